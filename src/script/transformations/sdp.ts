import { type TransformationTable, withParams } from './transformation.ts'

/** Class `sdp`: lines and streams of a session description (RFC 8866). */
export const sdpTransformations: TransformationTable = {
  line: withParams([1, 2], (text, params) => {
    const letter = params.text(0)?.trim()
    const index = params.count > 1 ? params.int(1) : 0
    if (letter === undefined || letter.length !== 1 || index === undefined) return undefined
    return (
      lines(text)
        .filter(line => line.startsWith(`${letter}=`))
        .at(index) ?? null
    )
  }),
  stream: withParams([1, 1], (text, params) => {
    const found = findStream(text, params.text(0)?.trim())
    return found === undefined ? null : `${found.join('\r\n')}\r\n`
  }),
  'stream-delete': withParams([1, 1], (text, params) => {
    const found = findStream(text, params.text(0)?.trim())
    const { session, streams } = split(text)
    const kept = streams.filter(
      stream => found === undefined || stream[0] !== found[0] || stream.length !== found.length,
    )
    return [session, ...kept]
      .flat()
      .map(line => `${line}\r\n`)
      .join('')
  }),
}

const lines = (text: string): string[] => text.split(/\r?\n/).filter(line => line !== '')

function split(text: string): {
  readonly session: readonly string[]
  readonly streams: readonly (readonly string[])[]
} {
  const session: string[] = []
  const streams: string[][] = []
  for (const line of lines(text)) {
    if (line.startsWith('m=')) streams.push([])
    const last = streams.at(-1) ?? session
    last.push(line)
  }
  return { session, streams }
}

/** A stream by its media name (`audio`) or its index, with all its lines. */
function findStream(text: string, which: string | undefined): readonly string[] | undefined {
  if (which === undefined) return undefined
  const { streams } = split(text)
  if (/^-?\d+$/.test(which)) return streams.at(Number(which))
  return streams.find(stream => stream[0]?.toLowerCase().startsWith(`m=${which.toLowerCase()} `))
}
