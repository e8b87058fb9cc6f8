import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Step, Verdict } from '../../script/context.ts'
import { addressBytes } from '../../script/ip-network.ts'
import type { AddressQuestion } from './address-book.ts'
import { PROTOCOLS } from './address-table.ts'
import type { Partition, Partitions } from './partitions.ts'

const group = arg('group', 'int', 'Number of the group; 0 for any.')
const matchArgs = [
  optional(arg('context_info', 'var', 'Gets the context of the row that matched.')),
  optional(arg('pattern', 'str', 'Text that the wildcard of the row has to match; if absent every row does.')),
  optional(arg('partition', 'str', 'Partition; the default one if absent.')),
] as const
const returns = '1 a row matches; −1 none does; −2 there is no such group'

/** Functions on the addresses of the database. */
export const addressSpecs = {
  check_address: {
    args: [
      group,
      arg('ip', 'str', 'IP address.'),
      arg('port', 'int', 'Port; 0 for any.'),
      arg('proto', 'str', 'Name of the protocol, or `any`.'),
      ...matchArgs,
    ],
    routes: 'any',
    returns,
    doc: 'Whether an address is in a group.',
  },
  check_source_address: {
    args: [group, ...matchArgs],
    routes: 'any',
    returns,
    doc: 'Whether address, port and protocol that the message came from are in a group.',
  },
  get_source_group: {
    args: [
      arg('group', 'var', 'Gets the number of the group.'),
      optional(arg('partition', 'str', 'Partition; the default one if absent.')),
    ],
    routes: 'any',
    returns: '1 found; −1 the address is in none',
    doc: 'Finds the group of the address and port that the message came from.',
  },
} as const

interface MatchArgs {
  readonly info: Arg<PvarRef> | undefined
  readonly pattern: Arg<string> | undefined
  readonly partition: Arg<string> | undefined
}

/** Handlers of {@link addressSpecs}. */
export function addressFunctions(partitions: Partitions): FunctionHandlers<typeof addressSpecs> {
  const matching = (
    groupArg: Arg<number>,
    { info, pattern, partition }: MatchArgs,
    ask: (m: RouteContext) => Pick<AddressQuestion, 'bytes' | 'port' | 'proto'> | null,
  ): Step => {
    const chosen = partitionArg(partitions, partition)
    return m => {
      const book = chosen(m)?.book
      const asked = ask(m)
      if (book === undefined || asked === null) return -1
      const number = groupArg.read(m)
      const rule = book.find({ ...asked, group: number, text: pattern?.read(m) ?? null })
      if (rule === undefined) return book.hasGroup(number) ? -1 : -2
      // Without a context NULL, lest that of an earlier match be taken for it.
      info?.read(m).set(m, rule.info)
      return 1
    }
  }
  return {
    check_address: (number, ip, port, proto, info, pattern, partition) => {
      const protoOf = protoArg(proto)
      return matching(number, { info, pattern, partition }, m => {
        const bytes = addressBytes(ip.read(m))
        return bytes === undefined ? null : { bytes, port: port.read(m), proto: protoOf(m) }
      })
    },
    check_source_address: (number, info, pattern, partition) =>
      matching(number, { info, pattern, partition }, ({ origin }) => {
        const bytes = addressBytes(origin.address)
        return bytes === undefined ? null : { bytes, port: origin.port, proto: origin.proto }
      }),
    get_source_group: (variable, partition) => {
      const chosen = partitionArg(partitions, partition)
      return (m): Verdict => {
        const bytes = addressBytes(m.origin.address)
        if (bytes === undefined) return -1
        const rule = chosen(m)?.book.find({ group: 0, bytes, port: m.origin.port, proto: 'any', text: null })
        return rule !== undefined && variable.read(m).set(m, rule.group) ? 1 : -1
      }
    },
  }
}

/** Reads the partition a call names; a constant name must exist. */
function partitionArg(
  partitions: Partitions,
  name: Arg<string> | undefined,
): (m: RouteContext) => Partition | undefined {
  const constant = name === undefined || name.constant === '' ? 'default' : name.constant
  if (constant === undefined) return m => (name === undefined ? undefined : partitions.find(name.read(m)))
  const found = partitions.find(constant)
  if (found === undefined) {
    const known = partitions.names().join(', ')
    if (name !== undefined) name.reject(`there is no partition "${constant}", expected one of ${known}`)
    return () => undefined
  }
  found.isUsed = true
  return () => found
}

function protoArg(proto: Arg<string>): (m: RouteContext) => string {
  const { constant } = proto
  if (constant === undefined) return m => proto.read(m).trim().toLowerCase()
  const name = constant.trim().toLowerCase()
  if (!PROTOCOLS.includes(name)) proto.reject(`expected one of ${PROTOCOLS.join(', ')}, got "${constant}"`)
  return () => name
}
