import type { Answer, ManagementInterface } from '../management-interface.ts'
import type { CommandRules } from '../permissions.ts'
import { type HttpAnswer, type HttpRequest, httpCaller } from './http.ts'

const json = (status: number, body = ''): HttpAnswer => ({ status, contentType: 'application/json', body })

/**
 * Answers a management request that came by HTTP (events reference §5.2): 200 with the JSON-RPC answer, errors too;
 * 202 for notifications; 400 for an empty body; 405 for any method but POST.
 */
export function answerJsonRpc(
  mi: ManagementInterface,
  request: HttpRequest,
  pretty: boolean,
  rules: CommandRules | null = null,
): HttpAnswer | Promise<HttpAnswer> {
  const { method, body } = request
  if (method !== 'POST') return { ...json(405), close: true }
  if (body.length === 0) return json(400)
  const answer = mi.handle(body.toString('utf8'), { caller: httpCaller('http', request, rules), pretty })
  return answer instanceof Promise ? answer.then(inHttp) : inHttp(answer)
}

const inHttp = (answer: Answer): HttpAnswer => (answer === null ? json(202) : json(200, answer))
