/** An element of a parsed XML text, without its attributes. */
export interface XmlElement {
  /** In lower case. */
  readonly name: string
  readonly children: readonly XmlElement[]
  /** The text right inside it, references resolved. */
  readonly text: string
}

/** A text is no XML that is taken here. The message says what is wrong with it, for the log. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
  readonly code = 'E_XML'
}

const MAX_DEPTH = 64
const MAX_ELEMENTS = 100_000

const START_TAG = /<([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y
const END_TAG = /<\/([A-Za-z_][\w.:-]*)\s*>/y

interface OpenElement {
  readonly name: string
  readonly children: XmlElement[]
  text: string
}

/**
 * Parses XML 1.0 as far as XML-RPC needs it: elements, text, character references, the five named ones, CDATA; comments and
 * processing instructions are passed over. A document type is refused, so that no entity can be declared. Takes time in
 * proportion to the text. Throws XmlError.
 */
export function parseXml(source: string): XmlElement {
  return new XmlReader(source).read()
}

class XmlReader {
  readonly #source: string
  readonly #document: OpenElement = { name: '', children: [], text: '' }
  readonly #open: OpenElement[] = [this.#document]
  #at = 0
  #elements = 0

  constructor(source: string) {
    this.#source = source.startsWith('\ufeff') ? source.slice(1) : source
  }

  read(): XmlElement {
    while (this.#at < this.#source.length) this.#step()
    if (this.#open.length > 1) throw new XmlError(`<${this.#current.name}> is not closed`)
    const [root, second] = this.#document.children
    if (root === undefined) throw new XmlError('there is no element')
    if (second !== undefined || this.#document.text.trim() !== '') throw new XmlError('there is more than one element')
    return root
  }

  get #current(): OpenElement {
    return this.#open.at(-1) ?? this.#document
  }

  #step(): void {
    const source = this.#source
    if (source[this.#at] !== '<') this.#readText()
    else if (source.startsWith('<!--', this.#at)) this.#skip('<!--', '-->')
    else if (source.startsWith('<?', this.#at)) this.#skip('<?', '?>')
    else if (source.startsWith('<![CDATA[', this.#at)) this.#current.text += this.#skip('<![CDATA[', ']]>')
    else if (source.startsWith('<!', this.#at)) throw new XmlError('a document type is not allowed')
    else if (source[this.#at + 1] === '/') this.#close()
    else this.#start()
  }

  #readText(): void {
    const next = this.#source.indexOf('<', this.#at)
    const end = next < 0 ? this.#source.length : next
    this.#current.text += unescapeXml(this.#source.slice(this.#at, end))
    this.#at = end
  }

  /** Passes over what stands between two marks and gives it. */
  #skip(from: string, to: string): string {
    const start = this.#at + from.length
    const end = this.#source.indexOf(to, start)
    if (end < 0) throw new XmlError(`"${from}" without "${to}"`)
    this.#at = end + to.length
    return this.#source.slice(start, end)
  }

  #start(): void {
    const [whole, name = '', , slash] = this.#match(START_TAG)
    this.#at += whole.length
    if (++this.#elements > MAX_ELEMENTS) throw new XmlError(`more than ${MAX_ELEMENTS} elements`)
    if (this.#open.length > MAX_DEPTH) throw new XmlError(`nested deeper than ${MAX_DEPTH}`)
    const element: OpenElement = { name: name.toLowerCase(), children: [], text: '' }
    this.#current.children.push(element)
    if (slash === '') this.#open.push(element)
  }

  #close(): void {
    const [whole, name = ''] = this.#match(END_TAG)
    const { name: expected } = this.#current
    if (name.toLowerCase() !== expected) throw new XmlError(`</${name}> where </${expected}> was expected`)
    this.#at += whole.length
    this.#open.pop()
  }

  #match(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#source)
    if (match === null) throw new XmlError(`no tag at character ${this.#at + 1}`)
    return match
  }
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** Resolves references. Throws XmlError for one that is not known. */
function unescapeXml(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&([^;&]{0,16}(;?))/g, (_, body: string, end: string) => {
    const name = body.slice(0, -1)
    const resolved = end === ';' ? (NAMED[name] ?? characterOf(name)) : undefined
    if (resolved === undefined) throw new XmlError(`"&${body}" is no reference that is known`)
    return resolved
  })
}

function characterOf(name: string): string | undefined {
  const match = /^#(?:x([\da-f]{1,6})|(\d{1,7}))$/i.exec(name)
  if (match === null) return undefined
  const code = match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16)
  return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : undefined
}

/** Text that stands for itself in an element and in an attribute. Characters that XML cannot hold become spaces. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\0-\x08\x0b\x0c\x0e-\x1f]/g, c => ESCAPED[c] ?? ' ')
}

const ESCAPED: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
  "'": '&#39;',
}
