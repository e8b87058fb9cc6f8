import type { Log } from '../../log/log.ts'
import type { ScriptAccess } from '../../script/access.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, RouteParams } from '../../script/context.ts'
import { digestParam } from '../../script/pvars/credentials.ts'
import { runWithin } from '../../script/run-within.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import { parseUri, type SipUri } from '../../sip/codec/uri.ts'
import type { Value } from '../../util/spec.ts'
import type { Destination, DestinationSet } from './destination.ts'
import { hashTexts } from './hash.ts'
import type { DispatcherParams } from './params.ts'
import { type Ranking, rankByHash, rankByScore, rankInTurn, ringFrom } from './ranking.ts'

/** What one selection is made from. */
export interface Candidates {
  readonly set: DestinationSet
  /** Of the set, without the one of last resort. Never empty. */
  readonly members: readonly Destination[]
  /** Hash the user parts of URIs only. */
  readonly userOnly: boolean
}

/** Algorithms that need a parameter → which. */
export const NEEDED_PARAM: Readonly<Record<number, 'hash_pvar' | 'pvar_algo_pattern' | 'algo_route'>> = {
  7: 'hash_pvar',
  9: 'pvar_algo_pattern',
  10: 'algo_route',
}

/** The algorithms by their numbers (dispatcher reference, algorithms). Any other number takes the first destination, with a warning. */
export class Algorithms {
  readonly #script: ScriptAccess
  readonly #params: DispatcherParams
  readonly #log: Log
  readonly #hashed: Arg<string> | null
  readonly #loads = new WeakMap<Destination, PvarRef>()

  /** Throws ScriptError where `hash_pvar` cannot be compiled. */
  constructor(script: ScriptAccess, params: DispatcherParams, log: Log) {
    this.#script = script
    this.#params = params
    this.#log = log
    this.#hashed = params.hash_pvar === undefined ? null : script.format(params.hash_pvar)
  }

  /** Whether there is one of this number. */
  static has(number: number): boolean {
    return number >= 0 && number <= 10
  }

  /** Orders the candidates for a message; null where what is to be hashed is missing. */
  rank(number: number, m: RouteContext, candidates: Candidates): Ranking | null | Promise<Ranking | null> {
    const { set, members, userOnly } = candidates
    switch (number) {
      case 0:
        return byHashOf(members, m.message.callId)
      case 1:
        return byUri(members, m.message.from?.uri, userOnly)
      case 2:
        return byUri(members, m.message.to?.uri, userOnly)
      case 3:
        return byUri(members, m.target.uri, userOnly)
      case 4:
        return rankInTurn(set, members, true)
      case 5: {
        const username = authorizedUser(m)
        return username === null ? rankInTurn(set, members, false) : byHashOf(members, username)
      }
      case 6:
        return rankByHash(members, 1 + Math.floor(Math.random() * 0xffff_fffe))
      case 7:
        return byHashOf(members, this.#hashed?.read(m) ?? '')
      case 8:
        return ringFrom(members, 0)
      case 9:
        return this.#byLoad(m, members)
      case 10:
        return this.#byRoute(m, members)
      default:
        this.#log.warn('unknown algorithm; the first destination is taken', { algorithm: number, set: set.id })
        return ringFrom(members, 0)
    }
  }

  /** By the value of `pvar_algo_pattern` for each; what has no number goes last. */
  #byLoad(m: RouteContext, members: readonly Destination[]): Ranking {
    return rankByScore(
      members,
      members.map(destination => this.#loadOf(m, destination)),
    )
  }

  #loadOf(m: RouteContext, destination: Destination): number {
    try {
      const value = this.#loadVariable(destination).get(m)
      const load = value === null ? Number.NaN : Number(value)
      return Number.isNaN(load) ? Number.POSITIVE_INFINITY : load
    } catch (error) {
      this.#log
        .often(destination.uri)
        .error('the load of a destination cannot be read', { uri: destination.uri, reason: String(error) })
      return Number.POSITIVE_INFINITY
    }
  }

  #loadVariable(destination: Destination): PvarRef {
    const known = this.#loads.get(destination)
    if (known !== undefined) return known
    const text = (this.#params.pvar_algo_pattern ?? '').replaceAll('%u', () => destination.uri)
    const variable = this.#script.variable(text)
    this.#loads.set(destination, variable)
    return variable
  }

  async #byRoute(m: RouteContext, members: readonly Destination[]): Promise<Ranking | null> {
    const name = this.#params.algo_route ?? ''
    const route = this.#script.route('request', name)
    if (route === undefined) {
      this.#log.error('there is no such route for algo_route', { route: name })
      return null
    }
    const scores: (number | null)[] = []
    for (const destination of members) {
      const score = destination.isActive ? (await runWithin(m, route, paramsFor(destination))).rc : -1
      scores.push(score < 0 ? null : score)
    }
    return rankByScore(members, scores)
  }
}

function paramsFor({ uri, data, scriptAttrs }: Destination): RouteParams {
  const values: readonly Value[] = [uri, data.attrs ?? '', scriptAttrs ?? '']
  return { at: index => values[index - 1], named: () => undefined }
}

function byHashOf(members: readonly Destination[], text: string): Ranking | null {
  return text === '' ? null : rankByHash(members, hashTexts(text))
}

/** By user, host and port of a URI, the port only where it is not the usual one. */
function byUri(members: readonly Destination[], text: string | undefined, userOnly: boolean): Ranking | null {
  const uri = text === undefined ? null : parseUri(text)
  return uri === null ? null : rankByHash(members, hashTexts(uri.user, userOnly ? '' : hostText(uri)))
}

function hostText({ scheme, host, port }: SipUri): string {
  return port === 0 || port === (scheme === 'sips' ? 5061 : 5060) ? host : `${host}:${port}`
}

function authorizedUser({ message }: RouteContext): string | null {
  const header = message.value(HeaderId.proxyAuthorization) ?? message.value(HeaderId.authorization)
  const username = header === null ? null : digestParam(header, 'username')
  return username === '' ? null : username
}
