import type { LoadModuleNode, ModparamNode, RouteNode, SettingNode, StringNode } from './ast.ts'
import type { RouteKind } from './context.ts'
import { type Diagnostic, Diagnostics } from './diagnostic.ts'
import { didYouMean } from './nearest.ts'
import { parseAliases, parseBlacklist, parseSocket, skipScalingProfile } from './parse-sockets.ts'
import { BlockParser, ROUTE_WORDS } from './parse-statements.ts'
import { diskReader, preprocess, type ScriptReader } from './preprocess.ts'
import { SETTING_NAMES } from './settings.ts'
import type { AliasDefinition, BlacklistDefinition, BondDefinition, SocketDefinition } from './sockets.ts'
import { type Place, type Source, span } from './source.ts'
import { isSymbol, SYNTAX_FAULT, TokenStream } from './token-stream.ts'

/** A script that was read: everything in it as data, in the order of the file. */
export interface Script {
  readonly sources: readonly Source[]
  readonly settings: readonly SettingNode[]
  readonly sockets: readonly SocketDefinition[]
  readonly bonds: readonly BondDefinition[]
  readonly aliases: readonly AliasDefinition[]
  readonly blacklists: readonly BlacklistDefinition[]
  readonly loadModules: readonly LoadModuleNode[]
  readonly modparams: readonly ModparamNode[]
  readonly routes: readonly RouteNode[]
  /** Syntax errors, and remarks on old spellings. A script with errors cannot be compiled. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads a script file and what it includes; `-` is standard input. Never throws: faults are in `diagnostics`. */
export function loadScript(path: string, reader: ScriptReader = diskReader): Script {
  const diagnostics = new Diagnostics()
  const { tokens, sources } = preprocess(path, reader, diagnostics)
  return new ScriptParser(new TokenStream(tokens, diagnostics)).parse(sources)
}

/** Settings with a syntax of their own. */
const SPECIAL_SETTINGS = ['socket', 'listen', 'alias', 'mpath', 'dst_blacklist', 'auto_scaling_profile'] as const
const TOP_WORDS: readonly string[] = [...ROUTE_WORDS, 'loadmodule', 'modparam', ...SPECIAL_SETTINGS]

const ROUTE_KINDS: Readonly<Record<(typeof ROUTE_WORDS)[number], RouteKind>> = {
  route: 'request',
  failure_route: 'failure',
  onreply_route: 'onreply',
  branch_route: 'branch',
  error_route: 'error',
  local_route: 'local',
  startup_route: 'startup',
  timer_route: 'timer',
  event_route: 'event',
}
const NAMELESS: ReadonlySet<RouteKind> = new Set<RouteKind>(['error', 'local', 'startup'])
const OPTIONAL_NAME: ReadonlySet<RouteKind> = new Set<RouteKind>(['request', 'onreply'])

class ScriptParser {
  readonly #tokens: TokenStream
  readonly #blocks: BlockParser
  readonly #settings: SettingNode[] = []
  readonly #sockets: SocketDefinition[] = []
  readonly #bonds: BondDefinition[] = []
  readonly #aliases: AliasDefinition[] = []
  readonly #blacklists: BlacklistDefinition[] = []
  readonly #loadModules: LoadModuleNode[] = []
  readonly #modparams: ModparamNode[] = []
  readonly #routes = new Map<string, RouteNode>()

  constructor(tokens: TokenStream) {
    this.#tokens = tokens
    this.#blocks = new BlockParser(tokens)
  }

  parse(sources: readonly Source[]): Script {
    const tokens = this.#tokens
    while (!tokens.isKind('eof')) {
      const before = tokens.position
      try {
        this.#item()
      } catch (fault) {
        if (fault !== SYNTAX_FAULT) throw fault
        if (tokens.position === before) tokens.next()
        this.#recover()
      }
    }
    return {
      sources,
      settings: this.#settings,
      sockets: this.#sockets,
      bonds: this.#bonds,
      aliases: this.#aliases,
      blacklists: this.#blacklists,
      loadModules: this.#loadModules,
      modparams: this.#modparams,
      routes: [...this.#routes.values()],
      diagnostics: tokens.diagnostics.list,
    }
  }

  /** Goes to the next line that certainly starts something at top level. */
  #recover(): void {
    while (!this.#tokens.isKind('eof') && !this.#startsKnownItem()) this.#tokens.next()
  }

  #startsKnownItem(): boolean {
    const { text, startsLine, kind } = this.#tokens.token
    if (!startsLine || kind !== 'ident') return false
    const following = this.#tokens.peek()
    if (isSymbol(following, '=')) return TOP_WORDS.includes(text) || SETTING_NAMES.includes(text)
    if (text === 'loadmodule') return true
    if (text === 'modparam') return isSymbol(following, '(')
    return TOP_WORDS.includes(text) && (isSymbol(following, '{') || isSymbol(following, '['))
  }

  #item(): void {
    const tokens = this.#tokens
    if (tokens.accept(';')) return
    const { text } = tokens.token
    if (!tokens.isKind('ident')) tokens.unexpected('a setting, loadmodule, modparam or a route')
    const word = ROUTE_WORDS.find(candidate => candidate === text)
    if (word !== undefined) this.#route(ROUTE_KINDS[word])
    else if (text === 'loadmodule') this.#loadModule()
    else if (text === 'modparam') this.#modparam()
    else if (isSymbol(tokens.peek(), '=')) this.#assignment()
    else tokens.unexpected('a setting, loadmodule, modparam or a route', didYouMean(text, TOP_WORDS))
  }

  #loadModule(): void {
    const { place } = this.#tokens.next()
    const path = this.#string('the name of a module in quotes')
    this.#loadModules.push({ path: path.value, place: span(place, path.place) })
  }

  #modparam(): void {
    const tokens = this.#tokens
    const { place } = tokens.next()
    tokens.expect('(', 'behind "modparam"')
    const modules = this.#string('the name of a module in quotes')
    tokens.expect(',', 'behind the module')
    const name = this.#string('the name of a parameter in quotes')
    tokens.expect(',', 'behind the parameter')
    const value = this.#modparamValue()
    const end = tokens.expect(')', 'to close "modparam("').place
    this.#modparams.push({ modules, name, value, place: span(place, end) })
  }

  #modparamValue(): ModparamNode['value'] {
    const tokens = this.#tokens
    if (!tokens.isKind('string')) return this.#number('a number or a text in quotes')
    const first = this.#string('a text')
    let { value } = first
    while (tokens.isKind('string')) value += tokens.next().text
    return { ...first, value, place: span(first.place, tokens.previous.place) }
  }

  #string(what: string): StringNode {
    if (!this.#tokens.isKind('string')) return this.#tokens.unexpected(what)
    const { text, place } = this.#tokens.next()
    return { type: 'string', value: text, place }
  }

  #number(what: string): { readonly type: 'number'; readonly value: number; readonly place: Place } {
    const tokens = this.#tokens
    const { place } = tokens.token
    const sign = tokens.accept('-') ? -1 : 1
    if (sign === 1) tokens.accept('+')
    if (!tokens.isKind('number')) return tokens.unexpected(what)
    const token = tokens.next()
    return { type: 'number', value: sign * token.value, place: span(place, token.place) }
  }

  #assignment(): void {
    const tokens = this.#tokens
    const { text: name, place } = tokens.next()
    tokens.next()
    if (name === 'socket' || name === 'listen') this.#socket()
    else if (name === 'alias') this.#aliases.push(...parseAliases(tokens))
    else if (name === 'dst_blacklist') this.#blacklists.push(parseBlacklist(tokens))
    else if (name === 'mpath') this.#modulePath()
    else if (name === 'auto_scaling_profile') skipScalingProfile(tokens)
    else this.#setting(name, place)
  }

  /** Where modules are is fixed here; the setting is read over. */
  #modulePath(): void {
    do this.#string('a path in quotes')
    while (this.#tokens.accept(':'))
  }

  #socket(): void {
    const found = parseSocket(this.#tokens)
    if ('sockets' in found) this.#bonds.push(found)
    else this.#sockets.push(found)
  }

  #setting(name: string, place: Place): void {
    const tokens = this.#tokens
    const start = tokens.token.place
    const { kind } = tokens.token
    let value: number | string
    if (kind === 'number' || tokens.isAny('-', '+')) value = this.#number('a value').value
    else if (kind === 'string' || kind === 'decimal') value = tokens.next().text
    else value = this.#word()
    const form = typeof value === 'number' ? 'number' : kind === 'string' || kind === 'decimal' ? kind : 'word'
    const valuePlace = span(start, tokens.previous.place)
    this.#settings.push({ name, value, form, place, valuePlace })
    if (tokens.is('use_auto_scaling_profile')) {
      tokens.next()
      tokens.next()
    }
  }

  /** A value without quotes: LOG_LOCAL0, a host name, an address. */
  #word(): string {
    const tokens = this.#tokens
    let text = ''
    while (tokens.isKind('ident', 'number', 'decimal', 'ip') || tokens.isAny('.', '-')) {
      if (text !== '' && !tokens.isAdjacent) break
      text += tokens.next().text
    }
    return text === '' ? tokens.unexpected('a value') : text
  }

  #route(kind: RouteKind): void {
    const tokens = this.#tokens
    const start = tokens.next()
    const header = this.#routeHeader(kind)
    const place = span(start.place, tokens.previous.place)
    const body = this.#blocks.block()
    this.#define({ kind, ...header, body, place }, start.text)
  }

  #routeHeader(kind: RouteKind): Pick<RouteNode, 'name' | 'intervalS' | 'mode'> {
    const tokens = this.#tokens
    const main = kind === 'request' ? '0' : ''
    const header = { name: main, intervalS: 0, mode: null }
    if (!tokens.accept('[')) {
      if (NAMELESS.has(kind) || OPTIONAL_NAME.has(kind)) return header
      return tokens.unexpected('"[" and the name of the route')
    }
    const name = this.#routeName(kind)
    let parsed: Pick<RouteNode, 'name' | 'intervalS' | 'mode'> = { ...header, name }
    if (kind === 'timer') {
      tokens.expect(',', 'and the seconds between two runs')
      parsed = { ...parsed, intervalS: this.#interval() }
    } else if (kind === 'event' && tokens.accept(',')) parsed = { ...parsed, mode: this.#mode() }
    tokens.expect(']', 'behind the name of the route')
    return parsed
  }

  #routeName(kind: RouteKind): string {
    const tokens = this.#tokens
    if (!tokens.isKind('ident', 'number', 'string')) return tokens.unexpected('the name of the route')
    let name = tokens.next().text
    // Not quoted, a name may still hold hyphens and dots.
    while (tokens.isAdjacent && (tokens.isAny('-', '.') || tokens.isKind('ident', 'number'))) name += tokens.next().text
    if (kind === 'onreply' && name === '0') return ''
    return name
  }

  #interval(): number {
    const { value, place } = this.#number('the seconds between two runs')
    if (value <= 0) this.#tokens.diagnostics.error('E_ROUTE', place, `expected at least 1 second, got ${value}`)
    return Math.max(1, value)
  }

  #mode(): 'sync' | 'async' {
    if (this.#tokens.accept('sync')) return 'sync'
    if (this.#tokens.accept('async')) return 'async'
    return this.#tokens.unexpected('sync or async')
  }

  #define(route: RouteNode, word: string): void {
    const key = `${route.kind} ${route.name}`
    const first = this.#routes.get(key)
    if (first === undefined) {
      this.#routes.set(key, route)
      return
    }
    const shown =
      route.name === '' || (route.kind === 'request' && route.name === '0') ? word : `${word}[${route.name}]`
    const hint = `the first is at ${first.place.file}:${first.place.line}`
    this.#tokens.diagnostics.error('E_ROUTE', route.place, `${shown} is defined twice`, hint)
  }
}
