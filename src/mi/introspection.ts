import type { ManagementInterface } from './management-interface.ts'
import { MiCode, MiError } from './mi-error.ts'
import { paramsSchema } from './params-schema.ts'

const UNKNOWN = 'unknown MI command'

/**
 * What `core:which` answers (core reference): without a name, every canonical name; for `group:`, those of a group; for a
 * command, the lists of parameter names it takes. Throws MiError 404 for an unknown name.
 */
export function which(mi: ManagementInterface, command?: string): readonly string[] | readonly (readonly string[])[] {
  if (command === undefined) return mi.describe().map(c => c.name)
  if (!command.endsWith(':')) return find(mi, command).recipes
  const names = mi.describe().filter(c => `${c.group}:` === command)
  if (names.length === 0) throw new MiError(404, UNKNOWN)
  return names.map(c => c.name)
}

/** What `core:help` answers: how to use it, or the help text and group of a command. Throws MiError 404 for an unknown one. */
export function help(mi: ManagementInterface, command?: string): string | { Help: string; 'Exported by': string } {
  if (command === undefined) return "Usage: help mi_cmd - returns information about 'mi_cmd'"
  const { doc, group } = find(mi, command)
  return { Help: doc === '' ? 'not available for this command' : doc, 'Exported by': group }
}

/**
 * What `core:describe` answers: commands with all that a program needs to call them, the JSON Schema (draft 2020-12) of their
 * named parameters included. Throws MiError 404 for an unknown name.
 */
export function describe(mi: ManagementInterface, command?: string): readonly object[] {
  const isGroup = command?.endsWith(':') === true
  const wanted =
    command === undefined || isGroup
      ? mi.describe().filter(({ group }) => command === undefined || `${group}:` === command)
      : [find(mi, command)]
  if (wanted.length === 0) throw new MiError(404, UNKNOWN)
  return wanted.map(({ name, aliases, doc, args, recipes, namedOnly, variadic }) => ({
    name,
    aliases,
    doc,
    positional: namedOnly ? [] : recipes,
    variadic,
    params: paramsSchema(args),
  }))
}

function find(mi: ManagementInterface, name: string) {
  try {
    return mi.find(name)
  } catch (error) {
    if (error instanceof MiError && error.code === MiCode.methodNotFound) throw new MiError(404, UNKNOWN)
    throw error
  }
}
