/** An element and where it stands in its text: character offsets. */
export interface XmlElement {
  /** As written, prefix included. */
  readonly name: string
  /** Without its prefix. */
  readonly local: string
  /** Values with the predefined entities replaced. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: XmlElement[]
  readonly start: number
  /** Behind the `>` of its start tag. */
  contentStart: number
  /** Where its end tag begins; of an empty-element tag, behind it. */
  contentEnd: number
  end: number
  readonly isEmptyTag: boolean
}

/** What keeps a document from being read. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
}

const MOST_DEPTH = 64
const MOST_ELEMENTS = 10_000
const NAME = /[^\s<>/="'!?&]+/y
const ATTRIBUTE = /\s+([^\s<>/="'&]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y
const TAG_END = /\s*(\/?)>/y
const PREDEFINED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/**
 * The root element of a document. Knows elements, attributes, comments and CDATA; declarations of types and entities are
 * refused, so nothing in a document can grow. Takes time in proportion to the text. Throws an XmlError.
 */
export function parseXml(text: string): XmlElement {
  const scanner = new Scanner(text)
  return scanner.document()
}

/** The text directly inside an element, entities replaced. */
export function textOf(text: string, { children, contentStart, contentEnd }: XmlElement): string {
  let content = ''
  let at = contentStart
  for (const { start, end } of children) {
    content += text.slice(at, start)
    at = end
  }
  return decodeEntities(content + text.slice(at, contentEnd)).trim()
}

/** Text as it may stand in content and in attributes. */
export function escapeXml(text: string): string {
  return text
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '')
    .replace(/[<>&"']/g, char => `&#${char.charCodeAt(0)};`)
}

function decodeEntities(text: string): string {
  return text.replace(/&(#x[\da-f]{1,6}|#\d{1,7}|\w{2,4});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return PREDEFINED[name] ?? whole
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

class Scanner {
  readonly #text: string
  readonly #open: XmlElement[] = []
  #root: XmlElement | null = null
  #count = 0
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): XmlElement {
    const text = this.#text
    for (;;) {
      const next = text.indexOf('<', this.#at)
      const between = text.slice(this.#at, next < 0 ? undefined : next)
      if (this.#open.length === 0 && between.replace('\ufeff', '').trim() !== '')
        throw new XmlError('text outside of the root element')
      if (next < 0) break
      this.#at = next
      this.#markup()
    }
    const top = this.#open.at(-1)
    if (top !== undefined) throw new XmlError(`<${top.name}> is not closed`)
    if (this.#root === null) throw new XmlError('there is no element')
    return this.#root
  }

  #markup(): void {
    const text = this.#text
    if (text.startsWith('<!--', this.#at)) this.#skip(4, '-->')
    else if (text.startsWith('<![CDATA[', this.#at) && this.#open.length > 0) this.#skip(9, ']]>')
    else if (text.startsWith('<?', this.#at)) this.#skip(2, '?>')
    else if (text.startsWith('<!', this.#at)) throw new XmlError('declarations are refused')
    else if (text.startsWith('</', this.#at)) this.#endTag()
    else this.#startTag()
  }

  #skip(length: number, end: string): void {
    const found = this.#text.indexOf(end, this.#at + length)
    if (found < 0) throw new XmlError(`${end} is missing`)
    this.#at = found + end.length
  }

  #startTag(): void {
    const start = this.#at++
    const name = this.#match(NAME)?.[0]
    if (name === undefined) throw new XmlError('a tag without name')
    const attributes = new Map<string, string>()
    for (let found = this.#match(ATTRIBUTE); found !== null; found = this.#match(ATTRIBUTE))
      attributes.set(found[1] ?? '', decodeEntities(found[2] ?? found[3] ?? ''))
    const tagEnd = this.#match(TAG_END)
    if (tagEnd === null) throw new XmlError(`<${name}> is no tag`)
    const end = this.#at
    const local = name.slice(name.indexOf(':') + 1)
    const isEmptyTag = tagEnd[1] === '/'
    const element: XmlElement = {
      name,
      local,
      attributes,
      children: [],
      start,
      contentStart: end,
      contentEnd: end,
      end,
      isEmptyTag,
    }
    this.#add(element)
    if (!isEmptyTag) this.#open.push(element)
  }

  #add(element: XmlElement): void {
    if (++this.#count > MOST_ELEMENTS) throw new XmlError(`more than ${MOST_ELEMENTS} elements`)
    if (this.#open.length >= MOST_DEPTH) throw new XmlError(`more than ${MOST_DEPTH} levels`)
    const parent = this.#open.at(-1)
    if (parent !== undefined) parent.children.push(element)
    else if (this.#root === null) this.#root = element
    else throw new XmlError('there is more than one root element')
  }

  #endTag(): void {
    const contentEnd = this.#at
    this.#at += 2
    const name = this.#match(NAME)?.[0] ?? ''
    const element = this.#open.pop()
    if (element === undefined || element.name !== name || this.#match(TAG_END)?.[1] !== '')
      throw new XmlError(`</${name}> closes nothing`)
    element.contentEnd = contentEnd
    element.end = this.#at
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found !== null) this.#at = pattern.lastIndex
    return found
  }
}
