import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import type { Commands } from '../../util/spec.ts'
import type { NodeSets } from './node-sets.ts'

/** Management commands. */
export const rtpproxyCommands = {
  enable: {
    args: [
      arg('url', 'str', 'Address of the RTP proxy, as configured.'),
      arg('enable', 'int', '0 takes it out of use until it is switched on again, 1 puts it into use.'),
      optional(arg('setid', 'int', 'Its set; every set if absent.')),
    ],
    aliases: ['rtpproxy_enable'],
    doc: 'Takes an RTP proxy into or out of use.',
  },
  show: { args: [], aliases: ['rtpproxy_show'], doc: 'Lists the sets and their RTP proxies.' },
  reload: {
    args: [],
    aliases: ['rtpproxy_reload'],
    doc: 'Loads the RTP proxies from the table anew. When that fails nothing changes.',
  },
} as const

/** Handlers of {@link rtpproxyCommands}. `reload` is null without a table. */
export function rtpproxyCommandHandlers(
  sets: NodeSets,
  reload: (() => Promise<void>) | null,
): Commands<{ readonly commands: typeof rtpproxyCommands }> {
  return {
    enable: ({ url, enable, setid }) => {
      const found = sets.find(url, setid ?? null)
      if (found.length === 0) throw new MiError(404, 'RTPProxy not found')
      for (const node of found) node.switch(enable !== 0)
      return 'OK'
    },
    show: () => ({
      Sets: sets.all().map(({ id, nodes }) => ({
        Set: id,
        Nodes: nodes.map(node => ({
          url: node.url,
          index: node.index,
          disabled: node.isUsable ? 0 : 1,
          weight: node.spec.weight,
          recheck_ticks: node.recheckS,
        })),
      })),
    }),
    reload: async () => {
      if (reload === null) throw new MiError(500, 'No db_url is set')
      try {
        await reload()
      } catch (error) {
        throw new MiError(500, 'Failed to reload', error instanceof Error ? error.message : String(error))
      }
      return 'OK'
    },
  }
}
