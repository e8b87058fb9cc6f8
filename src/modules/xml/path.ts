import type { PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { isElement, type XmlElement } from './xml-node.ts'

type Part = string | PvarRef

interface ElementStep {
  readonly name: Part
  /** Which of the elements with this name, counted from 0. */
  readonly index: number | PvarRef
}

/** What of an element is meant: the element itself, its text, or an attribute. */
type Aspect =
  | { readonly kind: 'element' }
  | { readonly kind: 'text' }
  | { readonly kind: 'attribute'; readonly name: Part }

/** `name/root/child[1].attr/id` as it stands in the script. */
export interface XmlPath {
  readonly name: string
  readonly steps: readonly ElementStep[]
  readonly aspect: Aspect
}

/** One step in one message. */
export interface ResolvedStep {
  readonly name: string
  readonly index: number
}

/** Reads a path. `variable` compiles those in it. Throws an Error that says what is wrong. */
export function parsePath(text: string, variable: (text: string) => PvarRef): XmlPath {
  const { path, aspect } = cutAspect(text.trim(), variable)
  const [name = '', ...parts] = cut(path)
  if (!/^\w+$/.test(name))
    throw new Error('expected name, name/element, name/element.val or name/element.attr/attribute')
  return { name, steps: parts.map(part => elementStep(part, variable)), aspect }
}

function cutAspect(text: string, variable: (text: string) => PvarRef): { path: string; aspect: Aspect } {
  if (text.endsWith('.val')) return { path: text.slice(0, -4), aspect: { kind: 'text' } }
  const at = text.lastIndexOf('.attr/')
  if (at < 0) return { path: text, aspect: { kind: 'element' } }
  return { path: text.slice(0, at), aspect: { kind: 'attribute', name: partOf(text.slice(at + 6), variable) } }
}

/** At the slashes that are not inside of a variable. */
function cut(text: string): readonly string[] {
  const parts = ['']
  let depth = 0
  for (const char of text) {
    if (char === '(') depth++
    else if (char === ')') depth--
    if (char === '/' && depth === 0) parts.push('')
    else parts[parts.length - 1] += char
  }
  return parts
}

function elementStep(text: string, variable: (text: string) => PvarRef): ElementStep {
  const [, name = '', index] = /^(.*?)(?:\[([^[\]]*)\])?$/s.exec(text) ?? []
  if (name === '') throw new Error(`"${text}": expected the name of an element`)
  if (index === undefined) return { name: partOf(name, variable), index: 0 }
  if (/^\d+$/.test(index)) return { name: partOf(name, variable), index: Number(index) }
  if (!index.startsWith('$')) throw new Error(`[${index}]: expected a number or a variable as index`)
  return { name: partOf(name, variable), index: variable(index) }
}

function partOf(text: string, variable: (text: string) => PvarRef): Part {
  if (text === '') throw new Error('expected a name')
  return text.startsWith('$') ? variable(text) : text
}

/** The steps in this message; null where a variable in them has no usable value. */
export function resolve({ steps }: XmlPath, m: RouteContext): readonly ResolvedStep[] | null {
  const resolved: ResolvedStep[] = []
  for (const step of steps) {
    const name = nameIn(step.name, m)
    const index = typeof step.index === 'number' ? step.index : integer(step.index.get(m))
    if (name === null || index === null) return null
    resolved.push({ name, index })
  }
  return resolved
}

/** A name in this message, or null. */
export function nameIn(part: Part, m: RouteContext): string | null {
  const value = typeof part === 'string' ? part : part.get(m)
  return value === null ? null : String(value)
}

function integer(value: Value): number | null {
  if (typeof value === 'number') return value >= 0 ? value : null
  return value !== null && /^\d+$/.test(value) ? Number(value) : null
}

/** The element a step leads to from its parent; undefined: none. */
export function childOf(parent: XmlElement, { name, index }: ResolvedStep): XmlElement | undefined {
  return parent.children.filter(node => isElement(node)).filter(node => node.name === name)[index]
}

/** The element the steps lead to from the root, which the first of them names; undefined: none. */
export function follow(root: XmlElement | undefined, steps: readonly ResolvedStep[]): XmlElement | undefined {
  const [first, ...rest] = steps
  if (root === undefined || first === undefined) return undefined
  let found: XmlElement | undefined = first.name === root.name && first.index === 0 ? root : undefined
  for (const step of rest) found = found === undefined ? undefined : childOf(found, step)
  return found
}
