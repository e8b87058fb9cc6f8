import type { Log } from '../../log/log.ts'
import type { ManagementInterface } from '../management-interface.ts'
import { MiCode, MiError } from '../mi-error.ts'
import type { CommandRules } from '../permissions.ts'
import { faultText, readCall, responseText, valueText, XmlRpcFault } from '../xml-rpc.ts'
import { type HttpAnswer, type HttpRequest, httpCaller } from './http.ts'
import { callFault, type LegacyShape, legacyFault, legacyValue } from './xml-rpc-legacy.ts'

/** How results are written: as their members are, or as the tree of 2.x, in structs or as one text. */
export type ResultShape = 'members' | LegacyShape

export interface XmlRpcDoorOptions {
  readonly shape: ResultShape
  readonly rules: CommandRules | null
}

const XML = 'text/xml; charset=utf-8'

/** The management commands as XML-RPC over HTTP (events reference §5.5; the shapes of 2.x: §5.8). */
export class XmlRpcDoor {
  readonly #mi: ManagementInterface
  readonly #options: XmlRpcDoorOptions
  readonly #log: Log

  constructor(mi: ManagementInterface, options: XmlRpcDoorOptions, log: Log) {
    this.#mi = mi
    this.#options = options
    this.#log = log
  }

  /** 200 with an answer or a fault; of the present form also 405 for any method but POST and 400 for an empty body. */
  async answer(request: HttpRequest): Promise<HttpAnswer> {
    const isLegacy = this.#options.shape !== 'members'
    if (request.method !== 'POST')
      return isLegacy ? fault(405, 'Unexpected method (only POST is accepted)') : { ...EMPTY, status: 405, close: true }
    if (request.body.length === 0) return isLegacy ? fault(401, 'Empty request') : { ...EMPTY, status: 400 }
    try {
      const { method, params } = readCall(request.body)
      const result = await this.#mi.call(method, params, httpCaller('xmlrpc', request, this.#options.rules))
      return { status: 200, contentType: XML, body: responseText(this.#write(result)) }
    } catch (error) {
      return this.#refusal(error, request.remote)
    }
  }

  #write(result: unknown): string {
    const { shape } = this.#options
    return shape === 'members' ? valueText(result) : legacyValue(result, shape)
  }

  #refusal(error: unknown, remote: string): HttpAnswer {
    const isLegacy = this.#options.shape !== 'members'
    if (error instanceof XmlRpcFault) {
      this.#log.info('XML-RPC request refused', { remote, reason: error.message })
      const { code, reason } = isLegacy ? callFault(error) : presentCallFault(error)
      return fault(code, reason)
    }
    if (error instanceof MiError) {
      const { code, reason } = isLegacy ? legacyFault(error) : presentFault(error)
      return fault(code, reason)
    }
    this.#log.error('XML-RPC answer cannot be written', { remote, reason: `${error}` })
    return fault(MiCode.serverError, 'Server error')
  }
}

const EMPTY = { contentType: 'text/xml', body: '' } as const
const fault = (code: number, message: string): HttpAnswer => ({
  status: 200,
  contentType: XML,
  body: faultText(code, message),
})

const presentCallFault = ({ code }: XmlRpcFault): { code: number; reason: string } =>
  code === 'not XML'
    ? { code: 32700, reason: 'parse error. not well formed' }
    : { code: MiCode.invalidRequest, reason: 'server error. invalid xml-rpc. not conforming to spec.' }

function presentFault({ code, message, data }: MiError): { code: number; reason: string } {
  switch (code) {
    case MiCode.methodNotFound:
      return { code, reason: 'server error. requested method not found' }
    case MiCode.invalidParams:
      return { code, reason: 'server error. invalid method parameters' }
    case MiCode.methodAmbiguous:
      return { code, reason: data === undefined ? message : `${message}, ${data}` }
    default:
      return { code, reason: message }
  }
}
