import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { type CallParties, callWords, partiesOf, turned } from './call-parties.ts'
import type { RtpProxyServices } from './services.ts'

const setArg = optional(arg('set', 'int', 'Set of RTP proxies; default_set if absent.'))
const sockArg = optional(arg('socket', 'var', 'Gets the URL of the RTP proxy.'))
const ROUTES = ['request', 'failure', 'onreply', 'branch', 'local'] as const
const about = <const A extends readonly unknown[]>(args: A, doc: string) =>
  ({ args, routes: ROUTES, returns: '1 done; −1 no RTP proxy, or it refuses', doc }) as const
const playArgs = [
  arg('file', 'str', 'Name of the file, without the suffix of its codec, as the RTP proxy knows it.'),
  arg('count', 'int', 'How often it is played; −1 until it is stopped.'),
  setArg,
  sockArg,
] as const
const counterVar = <N extends string>(name: N, doc: string) => arg(name, 'var', doc)

/** Script functions on streams that an RTP proxy has. */
export const controlSpecs = {
  rtpproxy_unforce: about([setArg, sockArg], 'Releases the RTP proxy from the call.'),
  rtpproxy_start_recording: about([setArg, sockArg], 'Has the media of the call recorded.'),
  rtpproxy_stream2uac: about(playArgs, 'Plays a file to the side the message comes from.'),
  rtpproxy_stream2uas: about(playArgs, 'Plays a file to the side the message goes to.'),
  rtpproxy_stop_stream2uac: about([setArg, sockArg], 'Ends what rtpproxy_stream2uac() began.'),
  rtpproxy_stop_stream2uas: about([setArg, sockArg], 'Ends what rtpproxy_stream2uas() began.'),
  rtpproxy_stats: about(
    [
      counterVar('up', 'Packets from the caller.'),
      counterVar('down', 'Packets from the callee.'),
      counterVar('sent', 'Packets passed on.'),
      counterVar('fail', 'Packets dropped.'),
      setArg,
      sockArg,
    ],
    'Asks how many packets of the call there were.',
  ),
  rtpproxy_all_stats: about(
    [counterVar('stats', 'Gets one value a figure, `name=value`.'), setArg, sockArg],
    'Asks for every figure about the call.',
  ),
} as const satisfies Readonly<Record<string, FunctionSpec>>

/** Figures that are asked for by name. */
const ALL_STATS = [
  'ttl',
  'npkts_ina',
  'npkts_inb',
  'nrelayed',
  'ndropped',
  'rtpa_nsent',
  'rtpa_nrcvd',
  'rtpa_ndups',
  'rtpa_nlost',
  'rtpa_perrs',
]

/** Builds them. */
export function controlFunctions(services: RtpProxyServices): FunctionHandlers<typeof controlSpecs> {
  /** Sends a command about the call of a message and gives the answer; null where there is none, or it is an error. */
  const ask = async (
    m: RouteContext,
    set: Arg<number> | undefined,
    sock: Arg<PvarRef> | undefined,
    command: (parties: CallParties) => string,
  ): Promise<string | null> => {
    const parties = partiesOf(services, m)
    const node = parties === null ? null : services.sets.select(parties.callId, set?.read(m) ?? null)
    if (parties === null || node === null) return null
    const answer = await node.ask(command(parties))
    if (answer === null) return null
    if (/^E\d/.test(answer)) {
      services.log
        .often(node.url)
        .error('an RTP proxy refuses a command', { socket: node.url, answer, callid: parties.callId })
      return null
    }
    sock?.read(m).set(m, node.url)
    return answer
  }
  const verdict = (answer: string | null): Verdict => (answer === null ? -1 : 1)
  const simple =
    (letter: string, turn: (parties: CallParties) => CallParties = same) =>
    (set: Arg<number> | undefined, sock: Arg<PvarRef> | undefined) =>
    async (m: RouteContext) =>
      verdict(await ask(m, set, sock, parties => `${letter} ${callWords(turn(parties))}`))
  const play =
    (turn: (parties: CallParties) => CallParties): FunctionHandlers<typeof controlSpecs>['rtpproxy_stream2uac'] =>
    (file, count, set, sock) =>
    async m => {
      const name = file.read(m)
      if (!/^[\x21-\x7e]+$/.test(name)) return -1
      const letters = `P${count.read(m)}`
      return verdict(
        await ask(m, set, sock, parties => {
          const { callId, first, second } = turn(parties)
          return `${letters} ${callId} ${name} session ${first}${second === '' ? '' : ` ${second}`}`
        }),
      )
    }
  return {
    rtpproxy_unforce: simple('D'),
    rtpproxy_start_recording: simple('R'),
    rtpproxy_stream2uac: play(same),
    rtpproxy_stream2uas: play(turned),
    rtpproxy_stop_stream2uac: simple('S'),
    rtpproxy_stop_stream2uas: simple('S', turned),
    rtpproxy_stats: (up, down, sent, fail, set, sock) => async m => {
      const answer = await ask(m, set, sock, parties => `Q ${callWords(parties)}`)
      const figures = (answer ?? '').split(/\s+/).map(Number)
      if (answer === null || figures.length < 5 || figures.some(Number.isNaN)) return -1
      for (const [i, variable] of [up, down, sent, fail].entries()) variable.read(m).set(m, figures[i + 1] ?? null)
      return 1
    },
    rtpproxy_all_stats: (stats, set, sock) => async m => {
      const answer = await ask(m, set, sock, parties => `Qv ${callWords(parties)} ${ALL_STATS.join(' ')}`)
      if (answer === null) return -1
      for (const figure of answer.split(/\s+/).filter(word => word.includes('='))) stats.read(m).set(m, figure)
      return 1
    },
  }
}

const same = (parties: CallParties): CallParties => parties
