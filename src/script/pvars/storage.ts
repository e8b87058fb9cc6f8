import type { Value } from '../../util/spec.ts'
import type { Arg } from '../args.ts'
import type { RouteContext } from '../context.ts'
import type { PvarHandler, PvarIndex } from '../pvar.ts'
import { type CorePvars, type PvarHost, placed, plain } from './core-pvar.ts'

/** Variables that keep values of the script: `$var`, `$avp`, `$param`, `$return`, `$rc` (script reference, values). */
export function storagePvars(host: PvarHost): CorePvars {
  return {
    var: placed(
      { type: 'any', writable: true, doc: 'A variable of the running script; NULL at its start.', inner: 'required' },
      site => {
        if (site.index.kind !== 'none') site.reject('a $var holds one value')
        const name = site.inner?.constant
        return name === undefined ? site.reject('its name cannot be a variable') : slotHandler(host.slot(name.trim()))
      },
    ),
    avp: placed(
      {
        type: 'any',
        writable: true,
        doc: 'A stack of values kept with the message and its transaction; index 0 is the newest.',
        inner: 'required',
      },
      site => avpHandler(site.inner, site.index),
    ),
    param: placed(
      { type: 'any', writable: false, doc: 'A parameter of the running route, or of the event.', inner: 'required' },
      site => paramHandler(site.inner, host),
    ),
    return: placed(
      { type: 'any', writable: false, doc: 'An extra value of the last return(), counted from 0.', inner: 'required' },
      site => ({ get: m => m.returned[Number(site.inner?.read(m))] ?? null }),
    ),
    rc: plain('int', 'What the last statement gave.', m => m.rc, { aliases: ['retcode'] }),
  }
}

function slotHandler(slot: number): PvarHandler {
  return {
    get: m => m.vars[slot] ?? null,
    set: (m, value) => {
      m.vars[slot] = value
      return true
    },
  }
}

/** `s:name` and `i:12` are how 1.x wrote the kind of a name. */
const avpName = (text: string): string => text.trim().replace(/^[si]:/, '')

function avpHandler(inner: Arg<string> | undefined, index: PvarIndex): PvarHandler {
  const constant = inner?.constant === undefined ? undefined : avpName(inner.constant)
  const nameOf = (m: RouteContext): string => constant ?? avpName(inner?.read(m) ?? '')
  const { kind } = index
  return {
    get: m => {
      if (kind === 'append') return null
      if (kind === 'all') return joined(m.avps.all(nameOf(m)))
      return m.avps.get(nameOf(m), index.kind === 'at' ? index.at.read(m) : 0)
    },
    all: m => m.avps.all(nameOf(m)),
    set: (m, value, replace) => setAvp(m, nameOf(m), index, value, replace),
  }
}

const joined = (values: readonly Value[]): Value => (values.length === 0 ? null : values.join(', '))

function setAvp(m: RouteContext, name: string, index: PvarIndex, value: Value, replace: boolean): boolean {
  const { avps } = m
  if (index.kind === 'at') {
    const at = index.at.read(m)
    if (value !== null) return avps.replace(name, at, value)
    avps.remove(name, at)
    return true
  }
  if (index.kind === 'append') {
    if (value !== null) avps.append(name, value)
    return true
  }
  if (value === null && !replace && index.kind === 'none') {
    avps.remove(name)
    return true
  }
  if (replace || index.kind === 'all') avps.removeAll(name)
  if (value !== null) avps.push(name, value)
  return true
}

function paramHandler(inner: Arg<string> | undefined, host: PvarHost): PvarHandler {
  return {
    get: m => {
      const name = inner?.read(m).trim() ?? ''
      const value = /^\d+$/.test(name) ? m.params.at(Number(name)) : m.params.named(name)
      if (value === undefined && m.kind === 'event' && m.depth === 0)
        host.log.warn('event has no such parameter', { name })
      return value ?? null
    },
  }
}
