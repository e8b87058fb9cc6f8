import type { ManagementInterface } from '../management-interface.ts'
import { MiCode, MiError } from '../mi-error.ts'
import type { CommandRules } from '../permissions.ts'
import { type NodeGroup, nodesOf, type ResultNode, type ResultNodes, resultTree } from '../result-tree.ts'
import { legacyRefusal } from '../text-form.ts'
import { type HttpAnswer, type HttpRequest, httpCaller, isCrossSite } from './http.ts'

const JSON_TYPE = 'application/json'
/** Numbered parameters looked for: param1, param2 … */
const MAX_PARAMS = 64

/**
 * Answers as mi_json of 2.x did (events reference §5.8): `GET /json/<command>?params=a,b`, and the form browsers were given,
 * `GET /json?method=<command>&param1=a&param2=b`. Always 200; what is wrong stands in the body. Browsers that act for
 * the page of another site are refused.
 */
export async function answerJsonGet(
  mi: ManagementInterface,
  request: HttpRequest,
  rules: CommandRules | null,
): Promise<HttpAnswer> {
  if (isCrossSite(request)) return { ...answer(errorText(403, 'Forbidden')), status: 403, close: true }
  const { path, query } = request
  const method = path.length === 0 ? query.get('method') : path.length === 1 ? path[0] : undefined
  if (method === undefined || method === null || method === '') return answer(errorText(500, 'Command not found'))
  try {
    const result = await mi.call(method, paramsOf(query), httpCaller('json', request, rules))
    const tree = resultTree(result)
    return answer(tree.length === 0 ? '' : groupsText(tree))
  } catch (error) {
    if (!(error instanceof MiError)) throw error
    const isUnknown = error.code === MiCode.methodNotFound || error.code === MiCode.methodAmbiguous
    const { code, reason } = isUnknown ? { code: 500, reason: 'Command not found' } : legacyRefusal(error)
    return answer(errorText(code, reason))
  }
}

const answer = (body: string): HttpAnswer => ({ status: 200, contentType: JSON_TYPE, body })

const errorText = (code: number, message: string): string =>
  `{"error": {"code": ${code}, "message": ${quote(message)}}}`

/** `params`, split at every comma; else param1, param2 … as far as they go, commas and all. */
function paramsOf(query: URLSearchParams): readonly string[] {
  const joined = query.get('params')
  if (joined !== null) return joined === '' ? [] : joined.split(',')
  const numbered: string[] = []
  for (let i = 1; i <= MAX_PARAMS; i++) {
    const value = query.get(`param${i}`)
    if (value === null) break
    numbered.push(value)
  }
  return numbered
}

const quote = (text: string): string => JSON.stringify(text).replaceAll('/', '\\/')

/** A tree: one list as `{"name":[…]}`, else an object with a member for each name. */
function groupsText(groups: ResultNodes): string {
  const [only] = groups
  if (groups.length === 1 && only !== undefined && only.name === '')
    return only.isList ? listText(only) : quote(only.size === 0 ? '' : only.node(0).value)
  if (groups.length === 1 && only?.isList === true) return `{${quote(only.name)}:${listText(only)}}`
  return `{${groups.map(memberText).join(', ')}}`
}

function memberText(group: NodeGroup): string {
  if (group.isList) return `${quote(group.name)}: ${listText(group)}`
  const node = group.size === 0 ? undefined : group.node(0)
  const isLeaf = node === undefined || (node.attributes.length === 0 && node.children.length === 0)
  return `${quote(group.name)}: ${isLeaf ? quote(node?.value ?? '') : nodeText(node)}`
}

const listText = (group: NodeGroup): string => `[${Array.from(nodesOf(group), nodeText).join(', ')}]`

function nodeText({ value, attributes, children }: ResultNode): string {
  const members = [`"value":${quote(value)}`]
  if (attributes.length > 0)
    members.push(`"attributes":{${attributes.map(([name, v]) => `${quote(name)}: ${quote(v)}`).join(', ')}}`)
  if (children.length > 0) members.push(`"children":${groupsText(children)}`)
  return `{${members.join(', ')}}`
}
