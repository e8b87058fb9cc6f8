import type { Arg } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { compileEre, EreError, type EreOptions } from '../../script/ere.ts'

/*
 * Messages are matched byte by byte, as Latin-1 text: then an index in the text is an offset in the message, and bodies
 * that are no text stay whole. Patterns and replacements, which are UTF-8, are brought to that form and back.
 */

/** The UTF-8 bytes of a text as Latin-1. */
export const toBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
/** The text of bytes given as Latin-1. */
export const fromBytes = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')

/**
 * The pattern of one call, for texts in byte form. A constant one is compiled, and its faults reported, at load; another
 * is compiled when it changes. Null where it is no pattern.
 */
export function bytePattern(pattern: Arg<string>, options: EreOptions): (m: RouteContext) => RegExp | null {
  const { constant } = pattern
  if (constant !== undefined) {
    const compiled = compile(constant, options)
    if (compiled instanceof EreError) return pattern.reject(compiled.message)
    return () => compiled
  }
  let lastText: string | undefined
  let last: RegExp | null = null
  return m => {
    const text = pattern.read(m)
    if (text === lastText) return last
    lastText = text
    const compiled = compile(text, options)
    last = compiled instanceof EreError ? null : compiled
    return last
  }
}

/** Compiles a pattern for texts in byte form; gives the error where it is none. */
export function compile(text: string, options: EreOptions): RegExp | EreError {
  try {
    return compileEre(toBytes(text), options)
  } catch (error) {
    if (error instanceof EreError) return error
    throw error
  }
}
