/**
 * The words in which modules and transports declare themselves: parameters, arguments, events, statistics and
 * management commands, as plain data. Types of handlers, reference pages, schemas, `fanfare check` and
 * management help are all derived from these.
 */

/** A value a script or an event carries. An integer is a number; NULL is null. */
export type Value = string | number | null

export interface ParamTypes {
  readonly int: number
  readonly str: string
}
export type ParamKind = keyof ParamTypes

/** One `modparam`. `default: undefined` means "not set"; `repeat` means every occurrence is kept, in order. */
export interface ParamSpec<K extends ParamKind = ParamKind, D = unknown, R extends boolean = boolean> {
  readonly kind: K
  readonly default: D
  readonly repeat: R
  readonly doc: string
  readonly unit?: string
  /** Names the same parameter had in OpenSIPS 2.x. */
  readonly formerly?: readonly string[]
  /** Accepted for compatibility; has no effect here. The doc says why. */
  readonly ignored?: boolean
}
interface ParamOptions {
  readonly unit?: string
  readonly formerly?: readonly string[]
  readonly ignored?: boolean
}
/** A parameter with a default. */
export const param = <K extends ParamKind>(
  kind: K,
  dflt: ParamTypes[K],
  doc: string,
  options: ParamOptions = {},
): ParamSpec<K, ParamTypes[K], false> => ({ kind, default: dflt, repeat: false, doc, ...options })
/** A parameter that may be absent: the handler sees `undefined`. */
export const optionalParam = <K extends ParamKind>(
  kind: K,
  doc: string,
  options: ParamOptions = {},
): ParamSpec<K, undefined, false> => ({ kind, default: undefined, repeat: false, doc, ...options })
/** A parameter that may be given many times: the handler sees all values, in the order of the file. */
export const repeatedParam = <K extends ParamKind>(
  kind: K,
  doc: string,
  options: ParamOptions = {},
): ParamSpec<K, undefined, true> => ({ kind, default: undefined, repeat: true, doc, ...options })

export type ParamValue<P> =
  P extends ParamSpec<infer K, infer D, infer R>
    ? R extends true
      ? readonly ParamTypes[K][]
      : D extends undefined
        ? ParamTypes[K] | undefined
        : ParamTypes[K]
    : never
export type ParamValues<P> = { readonly [N in keyof P]: ParamValue<P[N]> }

export interface ArgSpec<N extends string = string, K extends string = string, O extends boolean = boolean> {
  readonly name: N
  readonly kind: K
  readonly optional: O
  readonly doc: string
}
export const arg = <N extends string, K extends string>(name: N, kind: K, doc: string): ArgSpec<N, K, false> => ({
  name,
  kind,
  optional: false,
  doc,
})
export const optional = <N extends string, K extends string>(a: ArgSpec<N, K, false>): ArgSpec<N, K, true> => ({
  ...a,
  optional: true,
})

export type FieldKind = 'int' | 'str'
/** One event parameter. `nullable`: the value may be null, which JSON writes as null. `optional`: it may be left out. */
export interface FieldSpec<K extends FieldKind = FieldKind, N extends boolean = boolean, O extends boolean = boolean> {
  readonly kind: K
  readonly nullable: N
  readonly optional: O
  readonly doc: string
}
export const field = <K extends FieldKind>(kind: K, doc: string): FieldSpec<K, false, false> => ({
  kind,
  nullable: false,
  optional: false,
  doc,
})
export const nullableField = <K extends FieldKind>(kind: K, doc: string): FieldSpec<K, true, false> => ({
  kind,
  nullable: true,
  optional: false,
  doc,
})
export const optionalField = <K extends FieldKind>(kind: K, doc: string): FieldSpec<K, false, true> => ({
  kind,
  nullable: false,
  optional: true,
  doc,
})

/** An event: its fields in wire order (the order of the object's keys). */
export interface EventSpec {
  readonly fields: Readonly<Record<string, FieldSpec>>
  readonly doc: string
  /** The fields, in order, that OpenSIPS 2.4 sent, where they differ; used with `era = 2.4`. */
  readonly legacyFields?: readonly string[]
  /** Former field names still understood by filters, `$param` and `fetch_event_params`: former → present. */
  readonly formerFields?: Readonly<Record<string, string>>
}
type FieldType<F> =
  F extends FieldSpec<infer K, infer N, infer O>
    ? ParamTypes[K] | (N extends true ? null : never) | (O extends true ? undefined : never)
    : never
export type EventFields<E> = E extends { readonly fields: infer F }
  ? { readonly [N in keyof F as F[N] extends FieldSpec<FieldKind, boolean, true> ? never : N]: FieldType<F[N]> } & {
      readonly [N in keyof F as F[N] extends FieldSpec<FieldKind, boolean, true> ? N : never]?: FieldType<F[N]>
    }
  : never

/** A statistic. `counter` counts events; `gauge` is read when asked for. */
export interface StatSpec<T extends 'counter' | 'gauge' = 'counter' | 'gauge'> {
  readonly type: T
  readonly doc: string
  readonly noReset?: boolean
}
export const counter = (doc: string): StatSpec<'counter'> => ({ type: 'counter', doc })
export const gauge = (doc: string): StatSpec<'gauge'> => ({ type: 'gauge', doc })

/** What a management command's argument may be: a number or decimal text, text, an array, or any JSON value. */
export interface CommandKinds {
  readonly int: number
  readonly str: string
  readonly list: readonly unknown[]
  readonly json: unknown
}
/** A management command, keyed in its spec by its short name: module `usrloc`, key `rm` is `usrloc:rm`. */
export interface CommandSpec<A extends readonly ArgSpec[] = readonly ArgSpec[]> {
  readonly args: A
  readonly doc: string
  /** Flat names of earlier versions, `ul_rm`. */
  readonly aliases?: readonly string[]
  /** Refuse positional parameters. */
  readonly namedOnly?: boolean
  /** Collect every positional parameter that is left into the last (list) argument. */
  readonly variadic?: boolean
}
type CommandValue<A> =
  A extends ArgSpec<string, infer K, infer O>
    ? K extends keyof CommandKinds
      ? O extends true
        ? CommandKinds[K] | undefined
        : CommandKinds[K]
      : never
    : never
export type CommandValues<A extends readonly ArgSpec[]> = {
  readonly [E in A[number] as E['name']]: CommandValue<E>
}

/** The part of `S` named `K`, or an empty record where a spec leaves it out. */
export type Part<S, K extends PropertyKey> = S extends { readonly [P in K]: infer V } ? V : Record<never, never>
export type Commands<S> = {
  readonly [C in keyof Part<S, 'commands'>]: Part<S, 'commands'>[C] extends CommandSpec<infer A>
    ? (args: CommandValues<A>) => unknown
    : never
}
export type Raisers<S> = {
  readonly [E in keyof Part<S, 'events'>]: (fields: EventFields<Part<S, 'events'>[E]>) => void
}
/** Counters can be added to; gauges are given a function to read. */
export type Stats<S> = {
  readonly [P in keyof Part<S, 'stats'>]: Part<S, 'stats'>[P] extends StatSpec<'gauge'> ? Gauge : Counter
}
export interface Counter {
  value: number
}
export interface Gauge {
  read: () => number
}
