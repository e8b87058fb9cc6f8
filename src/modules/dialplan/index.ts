import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { dialplanParams } from './params.ts'
import { type Partition, Partitions } from './partitions.ts'
import { DIALPLAN_TABLE } from './table-source.ts'

const partition = optional(arg('partition', 'str', 'Partition; the default one if absent.'))

/** Translates texts by rules in a database, as the dialplan module of OpenSIPS. */
export default defineModule(
  {
    name: 'dialplan',
    doc: 'Translates numbers and other texts by rules in a database.',
    tables: [DIALPLAN_TABLE],
    params: dialplanParams,
    functions: {
      dp_translate: {
        args: [
          arg('dpid', 'str', 'Number of the dial plan; 2.x: `[partition:]number`.'),
          arg('input', 'str', 'What is translated; 2.x: `$input/$output`.'),
          optional(arg('out_var', 'var', 'Takes what it became.')),
          optional(arg('attrs_var', 'var', 'Takes the attributes of the rule.')),
          partition,
        ],
        routes: 'any',
        returns: '1 translated; −1 no rule matches, or there is no such partition',
        doc: 'Translates a text by the first rule of a dial plan that matches it; rules are tried by `pr`, the smallest first.',
      },
    },
    commands: {
      reload: {
        args: [partition],
        aliases: ['dp_reload'],
        doc: 'Loads the rules anew. When that fails nothing changes.',
      },
      translate: {
        args: [arg('dpid', 'int', 'Number of the dial plan.'), arg('input', 'str', 'What is translated.'), partition],
        aliases: ['dp_translate'],
        doc: 'Translates a text.',
      },
      show_partition: {
        args: [partition],
        aliases: ['dp_show_partition'],
        doc: 'Lists the partitions and their tables.',
      },
    },
  },
  ({ host, clock, log, params }) => {
    const partitions = new Partitions({ databases: host.db, params, log })
    const choose = (name: string | undefined): Partition => {
      const found = partitions.find(name)
      if (found === undefined) throw new MiError(404, 'Partition not found')
      return found
    }
    return {
      functions: {
        dp_translate: (dpid, input, out, attrs, where) => {
          const former = out === undefined ? formerOutput(input) : null
          const source = former === null ? null : host.script.variable(former.input)
          const target = former === null ? null : host.script.variable(former.output)
          return m => {
            const [, name, number = ''] = /^(?:([^:]+):)?\s*(\d+)\s*$/.exec(dpid.read(m)) ?? []
            const text = source === null ? input.read(m) : String(source.get(m) ?? '')
            const found = partitions.find(where?.read(m) ?? name)
            if (found === undefined || number === '') {
              log.error('there is no such dial plan', { dpid: dpid.read(m), partition: where?.read(m) })
              return -1
            }
            const made = found.plans.translate(Number(number), text, clock.nowMs())
            if (made === null) return -1
            return put(m, target, out, made.output) && put(m, null, attrs, made.attrs) ? 1 : -1
          }
        },
      },
      commands: {
        reload: async ({ partition: name }) => {
          const chosen = name === undefined ? partitions.all : [choose(name)]
          try {
            for (const one of chosen) await partitions.load(one)
          } catch (error) {
            throw new MiError(500, 'Failed to reload', error instanceof Error ? error.message : String(error))
          }
          return 'OK'
        },
        translate: ({ dpid, input, partition: name }) => {
          const made = choose(name).plans.translate(dpid, input, clock.nowMs())
          if (made === null) throw new MiError(404, 'No translation')
          return { Output: made.output, ...(made.attrs === null ? {} : { ATTRIBUTES: made.attrs }) }
        },
        show_partition: ({ partition: name }) => ({
          Partitions: (name === undefined ? partitions.all : [choose(name)]).map(one => ({
            Partition: one.name,
            table: one.table,
          })),
        }),
      },
      start: async () => {
        for (const one of partitions.all) await partitions.load(one)
      },
    }
  },
)

/** The two variables of `$input/$output`, as 2.x has them. Null: the argument is something else. */
function formerOutput({ text }: Arg<string>): { readonly input: string; readonly output: string } | null {
  const [, input, output] = /^\s*(\$[\w.]+(?:\([^()]*\))?)\/(\$[\w.]+(?:\([^()]*\))?)\s*$/.exec(text) ?? []
  return input === undefined || output === undefined ? null : { input, output }
}

function put(
  m: RouteContext,
  known: PvarRef | null,
  variable: Arg<PvarRef> | undefined,
  value: string | null,
): boolean {
  const into = known ?? variable?.read(m)
  return into === undefined || into.set(m, value)
}
