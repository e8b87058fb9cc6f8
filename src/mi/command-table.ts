import type { ArgSpec, CommandSpec } from '../util/spec.ts'
import { recipesOf } from './recipes.ts'

/** Runs a command. Its parameter is the CommandValues of the command's spec; a promise is awaited. */
export type CommandHandler = (args: never) => unknown

/** A registered command. */
export interface Command {
  /** Canonical, `group:local`. */
  readonly name: string
  readonly group: string
  readonly local: string
  readonly spec: CommandSpec
  readonly handler: CommandHandler
}

/** A command as discovery and help show it. */
export interface CommandDescription {
  readonly name: string
  readonly group: string
  readonly local: string
  readonly aliases: readonly string[]
  readonly doc: string
  readonly args: readonly ArgSpec[]
  /** The lists of names it takes by position, shortest first. */
  readonly recipes: readonly (readonly string[])[]
  readonly namedOnly: boolean
  readonly variadic: boolean
}

export type Lookup =
  | { readonly kind: 'found'; readonly command: Command }
  | { readonly kind: 'unknown' }
  /** A short name or alias several commands have; their canonical names, in order of registration. */
  | { readonly kind: 'ambiguous'; readonly names: readonly string[] }

/** Every management command, found by canonical name, unique short name or alias (events reference §5.1, names). */
export class CommandTable {
  readonly #byName = new Map<string, Command>()
  readonly #byLocal = new Map<string, Command[]>()
  readonly #byAlias = new Map<string, Command[]>()

  /** Throws when the canonical name is taken: that is a fault of the program. */
  add(command: Command): void {
    if (this.#byName.has(command.name)) throw new Error(`management command ${command.name} is registered twice`)
    this.#byName.set(command.name, command)
    append(this.#byLocal, command.local, command)
    for (const alias of command.spec.aliases ?? []) append(this.#byAlias, alias, command)
  }

  /**
   * A name with a colon is canonical or an alias. One without is a short name, then an alias; a short name that
   * several commands share still finds the one command that has it as its alias.
   */
  find(name: string): Lookup {
    const exact = this.#byName.get(name)
    if (exact !== undefined) return { kind: 'found', command: exact }
    const local = this.#byLocal.get(name) ?? []
    if (local.length === 1) return choose(local)
    const aliased = this.#byAlias.get(name) ?? []
    return choose(local.length > 1 && aliased.length !== 1 ? local : aliased)
  }

  /** In order of registration. */
  all(): readonly Command[] {
    return [...this.#byName.values()]
  }
}

/** The public side of a command. */
export function describeCommand({ name, group, local, spec }: Command): CommandDescription {
  const { args, doc, aliases = [], namedOnly = false, variadic = false } = spec
  return { name, group, local, aliases, doc, args, recipes: recipesOf(spec), namedOnly, variadic }
}

/** The group that a module's commands are in: that of `proto_tcp` is `tcp`. */
export const groupOf = (module: string): string =>
  module.startsWith('proto_') ? module.slice('proto_'.length) : module

function choose(commands: readonly Command[]): Lookup {
  const [first] = commands
  if (first === undefined) return { kind: 'unknown' }
  return commands.length === 1
    ? { kind: 'found', command: first }
    : { kind: 'ambiguous', names: commands.map(c => c.name) }
}

function append(map: Map<string, Command[]>, key: string, command: Command): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [command])
  else list.push(command)
}
