import { escapeXml, parseXml, type XmlElement, XmlError } from './xml.ts'

/** What is wrong with a document that is to be a PIDF (RFC 3863); null when nothing is. */
export function pidfFault(document: string): string | null {
  try {
    return parseXml(document).local === 'presence' ? null : 'the root element is not presence'
  } catch (error) {
    if (error instanceof XmlError) return error.message
    throw error
  }
}

/**
 * One document of several, the newest first: the newest, and the elements of the others that it has not, which are those with
 * another name or id. Elements keep their text, with the namespaces they need.
 */
export function mergePidf(documents: readonly string[]): string | null {
  const [newest, ...others] = documents.filter(document => pidfFault(document) === null)
  if (newest === undefined || others.length === 0) return newest ?? null
  const root = parseXml(newest)
  const known = new Set(root.children.map(identity))
  const added: string[] = []
  for (const document of others) {
    const other = parseXml(document)
    for (const child of other.children) {
      if (known.has(identity(child))) continue
      known.add(identity(child))
      added.push(withNamespaces(document, child, other, root))
    }
  }
  if (added.length === 0) return newest
  if (!root.isEmptyTag) return newest.slice(0, root.contentEnd) + added.join('') + newest.slice(root.contentEnd)
  const open = `${newest.slice(0, root.end).replace(/\s*\/>$/, '')}>`
  return `${open}${added.join('')}</${root.name}>${newest.slice(root.end)}`
}

const identity = ({ local, attributes }: XmlElement): string => `${local} ${attributes.get('id') ?? ''}`

/** The text of an element with the namespaces it had from its root, where its new root has others. */
function withNamespaces(document: string, child: XmlElement, from: XmlElement, to: XmlElement): string {
  const missing = [...from.attributes].filter(
    ([name, value]) =>
      (name === 'xmlns' || name.startsWith('xmlns:')) &&
      to.attributes.get(name) !== value &&
      !child.attributes.has(name),
  )
  if (!from.attributes.has('xmlns') && to.attributes.has('xmlns') && !child.attributes.has('xmlns'))
    missing.push(['xmlns', ''])
  const afterName = child.start + 1 + child.name.length
  const declarations = missing.map(([name, value]) => ` ${name}="${escapeXml(value)}"`).join('')
  return document.slice(child.start, afterName) + declarations + document.slice(afterName, child.end)
}

/** A document that says: not there. */
export function offlinePidf(uri: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\r\n' +
    `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${escapeXml(uri)}">` +
    '<tuple id="offline"><status><basic>closed</basic></status></tuple></presence>\r\n'
  )
}

/** The sphere a document tells of (RFC 4480 §3.9), '' without. */
export function sphereOf(document: string): string {
  if (pidfFault(document) !== null) return ''
  const queue: XmlElement[] = [parseXml(document)]
  for (const element of queue) {
    if (element.local === 'sphere') {
      const [value] = element.children
      return value?.local ?? document.slice(element.contentStart, element.contentEnd).trim()
    }
    queue.push(...element.children)
  }
  return ''
}
