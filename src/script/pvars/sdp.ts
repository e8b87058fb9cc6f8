import { formatSdp, mediumName, parseSdp, type Sdp } from '../../sip/text/sdp.ts'
import { readSession, writeSession } from '../../sip/text/session-body.ts'
import type { Value } from '../../util/spec.ts'
import type { RouteContext } from '../context.ts'
import type { PvarHandler, PvarIndex } from '../pvar.ts'
import { textOf } from '../values.ts'
import { type CorePvars, pick, placed, plain } from './core-pvar.ts'

/** The sections of a description: that of the session first, then one for each medium. */
type Sections = readonly (readonly string[])[]
/** Where something stands: a section, and a line of it; without a line, the section as a whole. */
interface Spot {
  readonly section: number
  readonly line?: number
}
/** Finds what a variable names. */
type Search = (sections: Sections) => readonly Spot[]

const LINES = { type: 'str', writable: true, inner: 'required' } as const

/** The session description of the message, with all changes made so far, and its parts (script reference, pseudo-variables). */
export const sdpPvars: CorePvars = {
  sdp: plain('str', 'The session description.', m => read(m)?.toString('utf8') ?? null, {
    set: (m, value) => value !== null && read(m) !== null && write(m, textOf(value)),
  }),
  'sdp.line': placed(
    { ...LINES, doc: 'A line of the description by how it begins: `c`, `a=rtpmap`; NULL removes it.' },
    site => handler(site.index, m => linesOf(site.inner?.read(m) ?? '', () => true)),
  ),
  'sdp.session': placed({ ...LINES, doc: 'The same of what stands before the first stream.' }, site =>
    handler(site.index, m => linesOf(site.inner?.read(m) ?? '', section => section === 0)),
  ),
  'sdp.stream': placed(
    {
      ...LINES,
      doc: 'A stream by its medium or place, `audio`, `0`, with all its lines; or a line of it, `audio/a=rtpmap`; NULL removes it.',
    },
    site => handler(site.index, m => streamsOf(site.inner?.read(m) ?? '')),
  ),
}

const read = (m: RouteContext): Buffer | null => readSession(m.message, m.edits)

function write(m: RouteContext, text: string): boolean {
  writeSession(m.message, m.edits, Buffer.from(text))
  return true
}

function handler(index: PvarIndex, search: (m: RouteContext) => Search): PvarHandler {
  const all = (m: RouteContext): readonly Value[] => {
    const sections = sectionsOf(m)
    return sections === null ? [] : search(m)(sections).map(spot => textAt(sections, spot))
  }
  return {
    all,
    get: m => pick(index, all(m), m),
    set: (m, value) => {
      const sections = sectionsOf(m)
      if (sections === null || index.kind === 'all') return false
      const found = search(m)(sections)
      const spot = index.kind === 'append' ? undefined : found.at(index.kind === 'at' ? index.at.read(m) : 0)
      if (spot === undefined) return value !== null && add(m, sections, found.at(-1), textOf(value))
      return write(m, text(replaced(sections, spot, value === null ? [] : linesIn(textOf(value)))))
    },
  }
}

function sectionsOf(m: RouteContext): Sections | null {
  const body = read(m)
  if (body === null) return null
  const { session, media } = parseSdp(body.toString('utf8'))
  return [session, ...media]
}

const text = ([session = [], ...media]: Sections): string => formatSdp({ session, media } satisfies Sdp)
const linesIn = (value: string): readonly string[] => value.split(/\r?\n/).filter(line => line !== '')

function textAt(sections: Sections, { section, line }: Spot): string {
  const lines = sections[section] ?? []
  return line === undefined ? lines.map(one => `${one}\r\n`).join('') : (lines[line] ?? '')
}

/** Lines behind the one found last of their kind, or at the end of the whole. */
function add(m: RouteContext, sections: Sections, last: Spot | undefined, value: string): boolean {
  const section = last?.section ?? sections.length - 1
  const lines = sections[section] ?? []
  const at = last?.line === undefined ? lines.length : last.line + 1
  const longer = [...lines.slice(0, at), ...linesIn(value), ...lines.slice(at)]
  return write(m, text(sections.map((own, i) => (i === section ? longer : own))))
}

function replaced(sections: Sections, { section, line }: Spot, lines: readonly string[]): Sections {
  return sections.map((own, i) => {
    if (i !== section) return own
    return line === undefined ? lines : [...own.slice(0, line), ...lines, ...own.slice(line + 1)]
  })
}

/** The lines that begin so, in the sections that are wanted. A single letter is a type of lines. */
function linesOf(written: string, isWanted: (section: number) => boolean): Search {
  const begin = /^[a-z]$/.test(written.trim()) ? `${written.trim()}=` : written.trim()
  return sections =>
    sections.flatMap((lines, section) =>
      isWanted(section) ? lines.flatMap((line, at) => (line.startsWith(begin) ? [{ section, line: at }] : [])) : [],
    )
}

function streamsOf(written: string): Search {
  const slash = written.indexOf('/')
  const name = (slash < 0 ? written : written.slice(0, slash)).trim().toLowerCase()
  return sections => {
    const isNamed = (section: number): boolean =>
      section > 0 && (name === String(section - 1) || mediumName(sections[section] ?? []).toLowerCase() === name)
    if (slash >= 0) return linesOf(written.slice(slash + 1), isNamed)(sections)
    return sections.flatMap((_, section) => (isNamed(section) ? [{ section }] : []))
  }
}
