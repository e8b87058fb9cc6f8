import { type ArgValues, arg, functionGroup, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import {
  audioHold,
  type Codec,
  codecsOf,
  formatSdp,
  mediumName,
  mediumTransport,
  parseSdp,
  type Sdp,
  withoutPayloads,
  withPayloads,
} from '../../sip/text/sdp.ts'
import { readSession, writeSession } from '../../sip/text/session-body.ts'
import { MESSAGE_ROUTES } from './routes.ts'

const byName = [
  arg('name', 'str', 'Name of the codec, in any case.'),
  optional(arg('clock', 'str', 'Its clock rate.')),
] as const
const byPattern = [arg('pattern', 'regex', 'Pattern for the names.')] as const
const byMedium = [
  arg('pattern', 'regex', 'Pattern for the medium, `audio`.'),
  optional(arg('transport', 'regex', 'Pattern for its transport, `RTP/AVP`.')),
] as const

const codec = <A>(args: A, doc: string) =>
  ({ args, routes: MESSAGE_ROUTES, returns: '1 found; −1 not found', doc }) as const

type Test<T> = (item: T, m: RouteContext) => boolean
type Change = (medium: readonly string[], chosen: ReadonlySet<string>) => readonly string[] | null

/** Functions on the codecs and media of a session description. */
export const sdpFunctions = functionGroup(
  {
    codec_exists: codec(byName, 'Looks for a codec.'),
    codec_exists_re: codec(byPattern, 'Looks for codecs.'),
    codec_delete: codec(byName, 'Removes a codec from every medium.'),
    codec_delete_re: codec(byPattern, 'Removes codecs from every medium.'),
    codec_delete_except_re: codec(byPattern, 'Removes all codecs that do not match.'),
    codec_move_up: codec(byName, 'Moves a codec to the front of every medium that has it.'),
    codec_move_up_re: codec(byPattern, 'Moves codecs to the front.'),
    codec_move_down: codec(byName, 'Moves a codec to the end of every medium that has it.'),
    codec_move_down_re: codec(byPattern, 'Moves codecs to the end.'),
    stream_exists: codec(byMedium, 'Looks for a medium.'),
    stream_delete: codec(byMedium, 'Removes media.'),
    is_audio_on_hold: {
      args: [],
      routes: MESSAGE_ROUTES,
      returns: '1 held by the address 0.0.0.0; 2 held by its direction; −1 not held',
      doc: 'Tells whether the audio of the session is on hold.',
    },
  },
  () => ({
    codec_exists: (name, clock) => m => editCodecs(m, named(name, clock), () => null),
    codec_exists_re: pattern => m => editCodecs(m, matching(pattern), () => null),
    codec_delete: (name, clock) => m => editCodecs(m, named(name, clock), withoutPayloads),
    codec_delete_re: pattern => m => editCodecs(m, matching(pattern), withoutPayloads),
    codec_delete_except_re: pattern => m => editCodecs(m, (one, at) => !matching(pattern)(one, at), withoutPayloads),
    codec_move_up: (name, clock) => m => editCodecs(m, named(name, clock), moved('up')),
    codec_move_up_re: pattern => m => editCodecs(m, matching(pattern), moved('up')),
    codec_move_down: (name, clock) => m => editCodecs(m, named(name, clock), moved('down')),
    codec_move_down_re: pattern => m => editCodecs(m, matching(pattern), moved('down')),
    stream_exists:
      (...patterns) =>
      m =>
        readSdp(m)?.media.some(medium => isMedium(medium, m, patterns)) === true ? 1 : -1,
    stream_delete:
      (...patterns) =>
      m => {
        const sdp = readSdp(m)
        if (sdp === null) return -1
        const media = sdp.media.filter(medium => !isMedium(medium, m, patterns))
        if (media.length === sdp.media.length) return -1
        writeSdp(m, { ...sdp, media })
        return 1
      },
    is_audio_on_hold: () => m => {
      const sdp = readSdp(m)
      const hold = sdp === null ? null : audioHold(sdp)
      if (hold === null) return -1
      return hold === 'address' ? 1 : 2
    },
  }),
)

function named(name: Arg<string>, clock: Arg<string> | undefined): Test<Codec> {
  return (one, m) =>
    one.name.toLowerCase() === name.read(m).toLowerCase() && (clock === undefined || one.clock === clock.read(m))
}

function matching(pattern: Arg<RegExp>): Test<Codec> {
  return (one, m) => pattern.read(m).test(one.name)
}

function isMedium(
  medium: readonly string[],
  m: RouteContext,
  [pattern, transport]: ArgValues<typeof byMedium>,
): boolean {
  if (!pattern.read(m).test(mediumName(medium))) return false
  return transport === undefined || transport.read(m).test(mediumTransport(medium))
}

function moved(way: 'up' | 'down'): Change {
  return (medium, chosen) => {
    const payloads = codecsOf(medium).map(one => one.payload)
    const [some, others] = [payloads.filter(p => chosen.has(p)), payloads.filter(p => !chosen.has(p))]
    return withPayloads(medium, way === 'up' ? [...some, ...others] : [...others, ...some])
  }
}

/** Finds codecs in every medium and changes those media; 1 where any was found. */
function editCodecs(m: RouteContext, isWanted: Test<Codec>, change: Change): Verdict {
  const sdp = readSdp(m)
  if (sdp === null) return -1
  let isFound = false
  let isChanged = false
  const media = sdp.media.map(medium => {
    const chosen = new Set(codecsOf(medium).flatMap(one => (isWanted(one, m) ? [one.payload] : [])))
    if (chosen.size === 0) return medium
    isFound = true
    const after = change(medium, chosen)
    isChanged ||= after !== null
    return after ?? medium
  })
  if (isChanged) writeSdp(m, { ...sdp, media })
  return isFound ? 1 : -1
}

/** The session description of the message with all changes made so far, or null when it has none. */
function readSdp(m: RouteContext): Sdp | null {
  const content = readSession(m.message, m.edits)
  return content === null ? null : parseSdp(content.toString())
}

function writeSdp(m: RouteContext, sdp: Sdp): void {
  writeSession(m.message, m.edits, Buffer.from(formatSdp(sdp)))
}
