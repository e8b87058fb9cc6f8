import { MiCode, type MiError } from '../mi-error.ts'
import { type NodeGroup, nodesOf, type ResultNode, type ResultNodes, resultTree } from '../result-tree.ts'
import { legacyRefusal, nodeLines } from '../text-form.ts'
import { escapeXml } from '../xml.ts'
import { structText, type XmlRpcFault } from '../xml-rpc.ts'

/** `format_version` of mi_xmlrpc_ng: 2 is the tree, 1 the text. */
export type LegacyShape = 'tree' | 'text'

/** A result as mi_xmlrpc_ng of 2.x wrote it: nested structs, or one indented text (events reference §5.8). */
export function legacyValue(result: unknown, shape: LegacyShape): string {
  const tree = resultTree(result)
  if (shape === 'text')
    return `<value><string>${escapeXml(tree.length === 0 ? 'OK' : nodeLines(tree, '\t'))}</string></value>`
  return tree.length === 0 ? '<value>OK</value>' : groupsValue(tree)
}

function groupsValue(groups: ResultNodes): string {
  const [only] = groups
  // Siblings without names are an array by themselves.
  if (groups.length === 1 && only?.name === '') return only.isList ? arrayValue(only) : nodeValue(only.node(0))
  return `<value>${structText(groups.map(group => [group.name, group.isList ? arrayValue(group) : nodeValue(group.node(0))]))}</value>`
}

const arrayValue = (group: NodeGroup): string =>
  `<value><array><data>${Array.from(nodesOf(group), nodeValue).join('')}</data></array></value>`

function nodeValue(node: ResultNode): string {
  const { value, attributes, children } = node
  const text = `<value>${escapeXml(value)}</value>`
  if (attributes.length === 0 && children.length === 0) return text
  const members: (readonly [string, string])[] = []
  if (value !== '') members.push(['value', text])
  if (attributes.length > 0)
    members.push([
      'attributes',
      `<value>${structText(attributes.map(([name, v]) => [name, `<value>${escapeXml(v)}</value>`]))}</value>`,
    ])
  if (children.length > 0) members.push(['kids', groupsValue(children)])
  return `<value>${structText(members)}</value>`
}

interface Fault {
  readonly code: number
  readonly reason: string
}

/** What 2.x answered to a text that is no call. */
export function callFault({ code }: XmlRpcFault): Fault {
  switch (code) {
    case 'not XML':
      return { code: 404, reason: 'Invalid request' }
    case 'no call':
      return { code: 407, reason: "Missing node 'Method Call'" }
    case 'no method name':
      return { code: 407, reason: "Missing node 'MethodName'" }
    case 'no value':
      return { code: 407, reason: "Missing node 'value'" }
  }
}

/** What 2.x answered when a command could not be run. */
export function legacyFault(error: MiError): Fault {
  const isUnknown = error.code === MiCode.methodNotFound || error.code === MiCode.methodAmbiguous
  return isUnknown ? { code: 405, reason: 'Command not available' } : legacyRefusal(error)
}
