import { messageSlot, type RouteContext } from '../script/context.ts'
import { addressBytes, formatAddress, type IpNetwork, isInNetwork, parseNetwork } from '../script/ip-network.ts'
import { loadScript } from '../script/parse.ts'
import { memoryReader } from '../script/preprocess.ts'
import type { BlacklistDefinition, BlacklistRule as WrittenRule } from '../script/sockets.ts'
import type { Hop } from '../sip/net/endpoint.ts'
import type { Clock } from '../util/clock.ts'
import { type WildcardMatcher, wildcardMatcher } from '../util/wildcard.ts'

/** Destinations that failed are kept here while `disable_dns_blacklist` is 0. */
export const FAILED_DESTINATIONS = 'dns'
/** How long a destination that failed is avoided (script reference, global settings). */
const FAILED_FOR_MS = 240_000
/** Rules beyond this are refused: failed destinations and management must not fill the memory. */
const MAX_RULES = 10_000

/** What a destination is compared with. */
export interface BlacklistRule {
  /** The rule holds for everything it does not describe. */
  readonly isNegated: boolean
  /** Null: any. */
  readonly proto: string | null
  readonly network: IpNetwork
  /** 0: any. */
  readonly port: number
  /** Shell pattern for the whole message; '' for any. */
  readonly pattern: string
  readonly body: WildcardMatcher | null
  /** Wall-clock time from which it no longer counts; null for never. */
  readonly untilMs: number | null
}

/** Words a list can be defined with. */
const FLAGS = ['default', 'expire', 'readonly'] as const
type Flag = (typeof FLAGS)[number]

/** A named list of destinations that nothing is sent to (`dst_blacklist`). */
export class Blacklist {
  readonly name: string
  readonly flags: ReadonlySet<Flag>
  #rules: readonly BlacklistRule[]

  constructor(name: string, flags: ReadonlySet<Flag>, rules: readonly BlacklistRule[]) {
    this.name = name
    this.flags = flags
    this.#rules = rules
  }

  /** The rules that count at this time. */
  rulesAt(nowMs: number): readonly BlacklistRule[] {
    if (this.#rules.some(rule => isOver(rule, nowMs))) this.#rules = this.#rules.filter(rule => !isOver(rule, nowMs))
    return this.#rules
  }

  /** Puts a rule in the place of one that says the same. False: there are too many. */
  add(rule: BlacklistRule): boolean {
    const others = this.#rules.filter(known => !saysTheSame(known, rule))
    if (others.length >= MAX_RULES) return false
    this.#rules = [...others, rule]
    return true
  }

  /** False: there is no such rule. */
  remove(rule: BlacklistRule): boolean {
    const kept = this.#rules.filter(known => !saysTheSame(known, rule))
    const isFound = kept.length < this.#rules.length
    this.#rules = kept
    return isFound
  }
}

/** The lists a message heeds; undefined: those flagged `default`. */
const chosen = messageSlot<readonly Blacklist[]>()

/** The blacklists of the script, and which of them a message heeds. */
export class Blacklists {
  readonly #clock: Clock
  readonly #lists = new Map<string, Blacklist>()
  #defaults: readonly Blacklist[] = []
  #avoidsFailed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Adds a list of the script. Throws an Error that says what is wrong with it. */
  define({ name, flags, rules }: BlacklistDefinition): void {
    if (this.#lists.has(name)) throw new Error(`dst_blacklist ${name} is defined twice`)
    const wrong = flags.find(flag => !isFlag(flag))
    if (wrong !== undefined)
      throw new Error(`dst_blacklist ${name}: unknown flag "${wrong}", expected one of ${FLAGS.join(', ')}`)
    this.#add(
      new Blacklist(
        name,
        new Set(flags.filter(isFlag)),
        rules.map(rule => makeRule(rule, null)),
      ),
    )
  }

  /** From now on, destinations that fail are avoided for four minutes (`disable_dns_blacklist = 0`). */
  avoidFailed(): void {
    if (this.#avoidsFailed) return
    this.#avoidsFailed = true
    this.#add(new Blacklist(FAILED_DESTINATIONS, new Set<Flag>(['default', 'expire']), []))
  }

  get nowMs(): number {
    return this.#clock.nowMs()
  }

  find(name: string): Blacklist | undefined {
    return this.#lists.get(name)
  }

  all(): IterableIterator<Blacklist> {
    return this.#lists.values()
  }

  /** Has the message heed a list beside those it heeds already. */
  use(m: RouteContext, list: Blacklist): void {
    const before = this.#heeded(m)
    if (!before.includes(list)) chosen.set(m, [...before, list])
  }

  /** Has the message no longer heed a list. */
  unuse(m: RouteContext, list: Blacklist): void {
    chosen.set(
      m,
      this.#heeded(m).filter(known => known !== list),
    )
  }

  /** Whether a list this message heeds forbids the hop. `bytes` is the message as it would go out. */
  forbids(m: RouteContext, hop: Hop, bytes: Buffer): boolean {
    const lists = this.#heeded(m)
    return lists.length > 0 && lists.some(list => this.has(list, hop, bytes.toString('utf8')))
  }

  /** Whether a list has a rule for this destination; `proto` null and `port` 0 fit every rule. */
  has(list: Blacklist, to: { proto: string | null; address: string; port: number }, text: string): boolean {
    const address = addressBytes(to.address)
    if (address === undefined) return false
    return list.rulesAt(this.nowMs).some(rule => {
      const fits =
        isInNetwork(address, rule.network) &&
        (rule.proto === null || to.proto === null || rule.proto === to.proto) &&
        (rule.port === 0 || to.port === 0 || rule.port === to.port) &&
        (rule.body === null || rule.body.matches(text))
      return fits !== rule.isNegated
    })
  }

  /** Notes that nothing comes back from a hop. */
  noteFailed({ proto, address, port }: Hop): void {
    const network = this.#avoidsFailed ? parseNetwork(address) : undefined
    if (network === undefined) return
    const untilMs = this.nowMs + FAILED_FOR_MS
    this.find(FAILED_DESTINATIONS)?.add({
      isNegated: false,
      proto,
      network,
      port,
      pattern: '',
      body: null,
      untilMs,
    })
  }

  #heeded(m: RouteContext): readonly Blacklist[] {
    return chosen.get(m) ?? this.#defaults
  }

  #add(list: Blacklist): void {
    this.#lists.set(list.name, list)
    if (list.flags.has('default')) this.#defaults = [...this.#defaults, list]
  }
}

const isFlag = (word: string): word is Flag => (FLAGS as readonly string[]).includes(word)

const isOver = ({ untilMs }: BlacklistRule, nowMs: number): boolean => untilMs !== null && untilMs <= nowMs

/** Reads a rule as scripts write it in `dst_blacklist`, `(tcp, 10.0.0.0/8, 5060, "*")`. Throws an Error where it is none. */
export function parseBlacklistRule(text: string, untilMs: number | null): BlacklistRule {
  // A line break could end the definition that the rule is read in.
  const source = `dst_blacklist = x : { ${text.replace(/[\r\n]+/g, ' ')} }\n`
  const { blacklists, diagnostics } = loadScript('rule', memoryReader({ rule: source }))
  const [rule, ...others] = blacklists[0]?.rules ?? []
  const fault = diagnostics.find(({ severity }) => severity === 'error')
  if (rule === undefined || others.length > 0 || fault !== undefined)
    throw new Error(`"${text}" is no blacklist rule, expected [!](proto, network, port, "pattern") or a network`)
  return makeRule(rule, untilMs)
}

function makeRule({ negated, proto, network, port, pattern }: WrittenRule, untilMs: number | null): BlacklistRule {
  const parsed = parseNetwork(network)
  if (parsed === undefined) throw new Error(`"${network}" is no address or network`)
  return {
    isNegated: negated,
    proto,
    network: parsed,
    port,
    pattern,
    body: pattern === '' ? null : wildcardMatcher(pattern),
    untilMs,
  }
}

function saysTheSame(a: BlacklistRule, b: BlacklistRule): boolean {
  return (
    a.isNegated === b.isNegated &&
    a.proto === b.proto &&
    a.port === b.port &&
    a.pattern === b.pattern &&
    networkText(a.network) === networkText(b.network)
  )
}

/** `10.0.0.0/8`. */
export function networkText({ bytes, bits }: IpNetwork): string {
  return `${formatAddress(bytes)}/${bits}`
}
