import type { XmlElement } from './xml-node.ts'

/** Deepest nesting that is read. */
export const MAX_DEPTH = 100

const NAME = /[A-Za-z_:\u0080-\uffff][\w:.\-\u0080-\uffff]*/y
const BLANK = /[ \t\r\n]*/y
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/**
 * Reads an XML document (XML 1.0). Document types are refused: what they define could grow without bound or read files. Throws
 * a SyntaxError that says what was expected, and where.
 */
export function parseXml(text: string): XmlElement {
  return new Reader(text).document()
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text.startsWith('\ufeff') ? text.slice(1) : text
  }

  document(): XmlElement {
    this.#skipMisc()
    if (this.#text[this.#at] !== '<') this.#fail('an element')
    const root = this.#tree()
    this.#skipMisc()
    if (this.#at < this.#text.length) this.#fail('the end')
    return root
  }

  /** The element here, with all in it. */
  #tree(): XmlElement {
    const open: XmlElement[] = []
    for (;;) {
      const parent = open.at(-1)
      if (this.#text.startsWith('</', this.#at)) {
        const ended = open.pop()
        if (ended === undefined) return this.#fail('an element')
        this.#endTag(ended.name)
        if (open.length === 0) return ended
      } else if (this.#isMarkup()) {
        const { element, isEmpty } = this.#startTag()
        parent?.children.push(element)
        if (!isEmpty) open.push(element)
        else if (parent === undefined) return element
        if (open.length > MAX_DEPTH) this.#fail(`nesting of at most ${MAX_DEPTH}`)
      } else if (parent === undefined) this.#fail('an element')
      else this.#content(parent)
    }
  }

  /** Whether a start tag begins here. */
  #isMarkup(): boolean {
    const next = this.#text[this.#at + 1]
    return this.#text[this.#at] === '<' && next !== '!' && next !== '?'
  }

  #content(parent: XmlElement): void {
    if (this.#at >= this.#text.length) this.#fail(`</${parent.name}>`)
    if (this.#text.startsWith('<![CDATA[', this.#at)) {
      const end = this.#find(']]>', this.#at + 9)
      addText(parent, this.#text.slice(this.#at + 9, end))
      this.#at = end + 3
    } else if (this.#text[this.#at] === '<') this.#skipRemark()
    else {
      const next = this.#text.indexOf('<', this.#at)
      const end = next < 0 ? this.#text.length : next
      addText(parent, this.#decode(this.#text.slice(this.#at, end)))
      this.#at = end
    }
  }

  #startTag(): { readonly element: XmlElement; readonly isEmpty: boolean } {
    this.#at++
    const element: XmlElement = { name: this.#name(), attributes: new Map(), children: [] }
    for (;;) {
      this.#blank()
      if (this.#text[this.#at] === '>') {
        this.#at++
        return { element, isEmpty: false }
      }
      if (this.#text.startsWith('/>', this.#at)) {
        this.#at += 2
        return { element, isEmpty: true }
      }
      this.#attribute(element)
    }
  }

  #attribute({ attributes }: XmlElement): void {
    const name = this.#name()
    if (attributes.has(name)) this.#fail('each attribute once')
    this.#blank()
    if (this.#text[this.#at] !== '=') this.#fail('"="')
    this.#at++
    this.#blank()
    const quote = this.#text[this.#at] ?? ''
    if (quote !== '"' && quote !== "'") this.#fail('a value in quotes')
    const end = this.#find(quote, this.#at + 1)
    const value = this.#text.slice(this.#at + 1, end)
    if (value.includes('<')) this.#fail('a value without "<"')
    attributes.set(name, this.#decode(value))
    this.#at = end + 1
  }

  #endTag(name: string): void {
    this.#at += 2
    if (this.#name() !== name) this.#fail(`</${name}>`)
    this.#blank()
    if (this.#text[this.#at] !== '>') this.#fail('">"')
    this.#at++
  }

  /** Declarations, comments and blanks around the document element. */
  #skipMisc(): void {
    for (;;) {
      this.#blank()
      if (!this.#text.startsWith('<?', this.#at) && !this.#text.startsWith('<!', this.#at)) return
      this.#skipRemark()
    }
  }

  /** A comment or a processing instruction. */
  #skipRemark(): void {
    if (this.#text.startsWith('<!--', this.#at)) this.#at = this.#find('-->', this.#at + 4) + 3
    else if (this.#text.startsWith('<?', this.#at)) this.#at = this.#find('?>', this.#at + 2) + 2
    else this.#fail('no document type')
  }

  #decode(text: string): string {
    if (!text.includes('&')) return text
    return text.replace(/&([^;&]{0,10};?)/g, (whole, inner: string) => {
      const name = inner.endsWith(';') ? inner.slice(0, -1) : ''
      const decoded = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : character(name)
      return decoded ?? this.#fail(`an entity that XML itself defines instead of ${whole}`)
    })
  }

  #name(): string {
    NAME.lastIndex = this.#at
    const [name] = NAME.exec(this.#text) ?? this.#fail('a name')
    this.#at += name.length
    return name
  }

  #blank(): void {
    BLANK.lastIndex = this.#at
    BLANK.exec(this.#text)
    this.#at = BLANK.lastIndex
  }

  #find(what: string, from: number): number {
    const at = this.#text.indexOf(what, from)
    return at < 0 ? this.#fail(JSON.stringify(what)) : at
  }

  #fail(wanted: string): never {
    const rest = this.#text.slice(this.#at, this.#at + 20)
    throw new SyntaxError(
      `expected ${wanted} at character ${this.#at + 1}, got ${rest === '' ? 'the end' : JSON.stringify(rest)}`,
    )
  }
}

function addText(parent: XmlElement, text: string): void {
  const last = parent.children.at(-1)
  if (typeof last === 'string') parent.children[parent.children.length - 1] = last + text
  else if (text !== '') parent.children.push(text)
}

/** What `#65` and `#x41` stand for. */
function character(reference: string): string | undefined {
  const parts = /^#(?:x([\da-f]{1,6})|(\d{1,7}))$/i.exec(reference)
  if (parts === null) return undefined
  const code = parts[1] === undefined ? Number(parts[2]) : Number.parseInt(parts[1], 16)
  const isCharacter =
    (code >= 0x20 && code <= 0x10_ffff && (code < 0xd800 || code > 0xdfff)) || /^(9|10|13)$/.test(String(code))
  return isCharacter ? String.fromCodePoint(code) : undefined
}
