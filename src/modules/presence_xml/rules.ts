import { parseXml, textOf, type XmlElement } from './xml.ts'

/** What rules say of a watcher (RFC 5025 §3.2.1), the weakest first: of several rules the strongest counts. */
const HANDLING = ['block', 'confirm', 'polite-block', 'allow'] as const
export type Handling = (typeof HANDLING)[number]

/** Who asks, and when. */
export interface Inquiry {
  /** URI of the watcher. */
  readonly watcher: string
  /** The sphere of the presentity; null: it is not looked at, and rules on it do not count. */
  readonly sphere: string | null
  readonly nowMs: number
}

/**
 * What a document of rules (RFC 4745, RFC 5025) says of a watcher; null where no rule is about it. Conditions that are not
 * known do not hold. Throws an XmlError.
 */
export function decide(document: string, inquiry: Inquiry): Handling | null {
  const root = parseXml(document)
  const said = childrenOf(root, 'rule')
    .filter(rule =>
      childrenOf(rule, 'conditions').every(({ children }) => children.every(one => holds(one, inquiry, document))),
    )
    .flatMap(rule => childrenOf(rule, 'actions').flatMap(actions => childrenOf(actions, 'sub-handling')))
    .map(element => HANDLING.indexOf(textOf(document, element) as Handling))
  return HANDLING[Math.max(-1, ...said)] ?? null
}

const childrenOf = ({ children }: XmlElement, local: string): readonly XmlElement[] =>
  children.filter(child => child.local === local)

function holds(condition: XmlElement, inquiry: Inquiry, document: string): boolean {
  switch (condition.local) {
    case 'identity':
      return condition.children.some(one => isMeant(one, inquiry.watcher))
    case 'sphere':
      return inquiry.sphere !== null && condition.attributes.get('value') === inquiry.sphere
    case 'validity':
      return isValid(condition, inquiry.nowMs, document)
    default:
      return false
  }
}

function isMeant(element: XmlElement, watcher: string): boolean {
  const id = element.attributes.get('id')
  if (element.local === 'one') return id !== undefined && plain(id) === plain(watcher)
  if (element.local !== 'many') return false
  const domain = element.attributes.get('domain')
  if (domain !== undefined && domain.toLowerCase() !== domainOf(watcher)) return false
  return !childrenOf(element, 'except').some(except => {
    const excluded = except.attributes.get('domain')
    const one = except.attributes.get('id')
    return excluded?.toLowerCase() === domainOf(watcher) || (one !== undefined && plain(one) === plain(watcher))
  })
}

/** Pairs of from and until, of which one must hold. */
function isValid({ children }: XmlElement, nowMs: number, document: string): boolean {
  return children.some((element, i) => {
    const end = children[i + 1]
    if (element.local !== 'from' || end?.local !== 'until') return false
    return Date.parse(textOf(document, element)) <= nowMs && nowMs < Date.parse(textOf(document, end))
  })
}

const plain = (uri: string): string =>
  uri
    .replace(/^(?:sips?|pres):/i, '')
    .replace(/;.*$/s, '')
    .toLowerCase()
const domainOf = (uri: string): string => plain(uri).replace(/^.*@/s, '').replace(/:\d+$/, '')
