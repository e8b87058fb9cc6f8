import type { PvarHandler, PvarHandlers, PvarSite, PvarSpec } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { type AccContext, contextFor, contextOf } from './context.ts'
import type { AccServices } from './services.ts'

/** The module's pseudo-variables. */
export const accPvars = {
  acc_extra: {
    type: 'any',
    writable: true,
    inner: 'required',
    doc: 'A value for the records of this call: `$acc_extra(name)`, with a name of extra_fields.',
  },
  acc_leg: {
    type: 'any',
    writable: true,
    inner: 'required',
    doc: 'A value of one leg: `$acc_leg(name)` the current one, `$(acc_leg(name)[0])` the first, `[-1]` the last.',
  },
  acc_current_leg: { type: 'int', writable: false, doc: 'Index of the current leg, from 0.' },
} as const satisfies Readonly<Record<string, PvarSpec>>

/** Builds them. */
export function accPvarHandlers(services: AccServices): PvarHandlers<typeof accPvars> {
  const { extraTags, legTags } = services.fields
  return {
    acc_extra: site => extraVariable(services, tagReader(site, extraTags, 'extra_fields')),
    acc_leg: site => legVariable(services, site, tagReader(site, legTags, 'leg_fields')),
    acc_current_leg: () => ({ get: m => lastLeg(contextOf(services.tm, m)?.legs.length ?? 0) }),
  }
}

type TagReader = (m: RouteContext) => string | null

function tagReader(site: PvarSite, tags: ReadonlySet<string>, param: string): TagReader {
  const constant = site.inner?.constant?.trim()
  if (constant !== undefined) {
    if (!tags.has(constant)) site.reject(`no "${constant}" in ${param}`)
    return () => constant
  }
  return m => {
    const tag = site.inner?.read(m).trim() ?? ''
    return tags.has(tag) ? tag : null
  }
}

function extraVariable({ clock, log, tm }: AccServices, tagOf: TagReader): PvarHandler {
  return {
    get: m => contextOf(tm, m)?.extra.get(tagOf(m) ?? '') ?? null,
    set: (m, value) => {
      const tag = tagOf(m)
      if (tag !== null) {
        const context = contextFor(tm, m, clock.nowMs())
        return put(context, context.extra, tag, value)
      }
      log.error('extra_fields has no such name')
      return false
    },
  }
}

function legVariable({ clock, log, tm }: AccServices, { index }: PvarSite, tagOf: TagReader): PvarHandler {
  const at = (m: RouteContext, count: number): number => {
    if (index.kind !== 'at') return lastLeg(count)
    const wanted = index.at.read(m)
    return wanted < 0 ? count + wanted : wanted
  }
  return {
    get: m => {
      const legs = contextOf(tm, m)?.legs ?? []
      return legs[at(m, legs.length)]?.get(tagOf(m) ?? '') ?? null
    },
    set: (m, value) => {
      const tag = tagOf(m)
      const context = contextFor(tm, m, clock.nowMs())
      const { legs } = context
      if (legs.length === 0) legs.push(new Map())
      const leg = legs[at(m, legs.length)]
      if (tag !== null && leg !== undefined) return put(context, leg, tag, value)
      log.error(tag === null ? 'leg_fields has no such name' : 'the call has no such leg')
      return false
    },
  }
}

const lastLeg = (count: number): number => Math.max(0, count - 1)

function put(context: AccContext, values: Map<string, Exclude<Value, null>>, tag: string, value: Value): boolean {
  if (value === null) values.delete(tag)
  else values.set(tag, value)
  context.changed()
  return true
}
