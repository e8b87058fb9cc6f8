/** An element of an XML document. */
export interface XmlElement {
  /** With its prefix, as written. */
  name: string
  /** In their order. */
  readonly attributes: Map<string, string>
  /** Elements and texts in their order. */
  readonly children: (XmlElement | string)[]
}

export const isElement = (node: XmlElement | string): node is XmlElement => typeof node === 'object'

/** Its texts, joined; not those of elements within. */
export const textOf = (element: XmlElement): string => element.children.filter(node => !isElement(node)).join('')

/** The XML text of an element and all in it. */
export function writeXml(node: XmlElement | string): string {
  if (!isElement(node)) return escaped(node)
  const attributes = [...node.attributes].map(
    ([name, value]) => ` ${name}="${escaped(value).replaceAll('"', '&quot;')}"`,
  )
  const start = `<${node.name}${attributes.join('')}`
  return node.children.length === 0 ? `${start}/>` : `${start}>${node.children.map(writeXml).join('')}</${node.name}>`
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
