import type { ManagementInterface } from '../management-interface.ts'
import type { CommandRules } from '../permissions.ts'
import { type HttpAnswer, type HttpRequest, httpCaller } from './http.ts'

const JSON_TYPE = 'application/json'

/**
 * Answers a management request that came by HTTP (events reference §5.2): 200 with the JSON-RPC answer, errors too;
 * 202 for notifications; 400 for an empty body; 405 for any method but POST.
 */
export async function answerJsonRpc(
  mi: ManagementInterface,
  request: HttpRequest,
  pretty: boolean,
  rules: CommandRules | null = null,
): Promise<HttpAnswer> {
  const { method, body } = request
  if (method !== 'POST') return { status: 405, contentType: JSON_TYPE, body: '', close: true }
  if (body.length === 0) return { status: 400, contentType: JSON_TYPE, body: '' }
  const answer = await mi.handle(body.toString('utf8'), { caller: httpCaller('http', request, rules), pretty })
  return answer === null
    ? { status: 202, contentType: JSON_TYPE, body: '' }
    : { status: 200, contentType: JSON_TYPE, body: answer }
}
