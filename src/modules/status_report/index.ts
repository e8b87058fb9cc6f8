import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, optional } from '../../module/define.ts'
import { DEFAULT_IDENTIFIER, type Report, type Status } from '../../stats/status-report.ts'
import { asctime } from '../../util/asctime.ts'

const groupArg = arg('group', 'str', 'Status group.')
const identifierArg = optional(
  arg('identifier', 'str', `Identifier inside the group, ${DEFAULT_IDENTIFIER} if absent.`),
)

/** Which parts of the proxy are ready, for management. Always loaded. */
export default defineModule(
  {
    name: 'status_report',
    doc: 'Readiness of the parts of the proxy.',
    commands: {
      get: { args: [groupArg, identifierArg], doc: 'gets the status of one identifier', aliases: ['sr_get_status'] },
      status: {
        args: [optional(groupArg)],
        doc: 'lists the status of all identifiers, or of those of a group',
        aliases: ['sr_list_status'],
      },
      reports: {
        args: [optional(groupArg), identifierArg],
        doc: 'lists the reports of all identifiers, of those of a group, or of one',
        aliases: ['sr_list_reports'],
      },
      identifiers: {
        args: [optional(groupArg)],
        doc: 'lists the identifiers of all groups, or of one',
        aliases: ['sr_list_identifiers'],
      },
    },
  },
  ({ host }) => {
    const groupsOf = (group: string | undefined): readonly (readonly [string, readonly Status[]])[] => {
      const groups = host.status.groups().filter(([name]) => group === undefined || name === group)
      if (group !== undefined && groups.length === 0) throw new MiError(404, 'Group not found')
      return groups
    }
    return {
      commands: {
        get: ({ group, identifier }) => {
          const status = host.status.get(group, identifier)
          if (status === undefined) throw new MiError(404, 'Group or identifier not found')
          return { Readiness: status.status > 0, Status: status.status, ...details(status) }
        },
        status: ({ group }) =>
          groupsOf(group).map(([Name, statuses]) => ({
            Name,
            Identifiers: statuses.map(s => ({
              Name: s.identifier,
              Readiness: s.status > 0,
              Status: s.status,
              ...details(s),
            })),
          })),
        reports: ({ group, identifier }) =>
          groupsOf(group).map(([Name, statuses]) => ({
            Name,
            Identifiers: statuses
              .filter(s => identifier === undefined || s.identifier === identifier)
              .map(s => ({ Name: s.identifier, Reports: host.status.reports(Name, s.identifier).map(asRow) })),
          })),
        identifiers: ({ group }) =>
          groupsOf(group).map(([Group, statuses]) => ({ Group, Identifiers: statuses.map(s => s.identifier) })),
      },
    }
  },
)

const details = ({ details: text }: Status): { Details?: string } => (text === null ? {} : { Details: text })

const asRow = ({ timeMs, text }: Report): unknown => ({
  Timestamp: Math.floor(timeMs / 1000),
  Date: asctime(timeMs),
  Log: text,
})
