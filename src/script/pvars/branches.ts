import type { Value } from '../../util/spec.ts'
import { MAX_BRANCHES, type RouteContext, type Target, target } from '../context.ts'
import type { PvarHandler, PvarIndex } from '../pvar.ts'
import { textOf } from '../values.ts'
import { type CorePvars, orNull, type PvarHost, pick, placed, plain } from './core-pvar.ts'

interface Field {
  get(branch: Target, host: PvarHost): Value
  set?(branch: Target, value: Value, host: PvarHost): boolean
}

/** Parts of a branch, as `$branch(…)` and `$msg.branch.…` name them. */
const FIELDS: Readonly<Record<string, Field>> = {
  uri: {
    get: branch => branch.uri,
    set: (branch, value) => {
      if (value === null || value === '') return false
      branch.uri = textOf(value)
      return true
    },
  },
  duri: {
    get: branch => branch.dstUri,
    set: (branch, value) => {
      branch.dstUri = value === null || value === '' ? null : textOf(value)
      return true
    },
  },
  q: {
    get: branch => branch.q,
    set: (branch, value) => {
      if (typeof value === 'string' || (value !== null && (value < 0 || value > 1000))) return false
      branch.q = value ?? -1
      return true
    },
  },
  path: {
    get: branch => branch.path,
    set: (branch, value) => {
      branch.path = value === null || value === '' ? null : textOf(value)
      return true
    },
  },
  flags: { get: (branch, host) => orNull(host.branchFlags.names(branch.flags)) },
  socket: {
    get: branch => branch.socket?.text ?? null,
    set: (branch, value, host) => {
      const socket = value === null ? null : host.findSocket(textOf(value))
      if (socket === undefined) return false
      branch.socket = socket
      return true
    },
  },
}

/** The destination set (script reference, pseudo-variables). */
export function branchPvars(host: PvarHost): CorePvars {
  const pvars: Record<string, CorePvars[string]> = {
    branch: placed(
      {
        type: 'any',
        writable: true,
        doc: 'URI of an additional branch, or another part of it; assigning appends a branch.',
        inner: 'optional',
      },
      site => {
        const name = site.inner === undefined ? 'uri' : site.inner.constant
        const field = FIELDS[name ?? '']
        if (field === undefined) return site.reject(`expected one of ${Object.keys(FIELDS).join(', ')}`)
        const handler = fieldHandler(field, site.index, host, m => m.branches)
        return site.inner === undefined && site.index.kind === 'none' ? { ...handler, set: append } : handler
      },
    ),
    ds: plain('str', 'The whole destination set, as a Contact header.', destinationSet),
    path: plain('str', 'Path that goes with the Request-URI.', m => m.target.path),
  }
  for (const [name, field] of Object.entries(FIELDS))
    pvars[`msg.branch.${name}`] = placed(
      { type: 'any', writable: field.set !== undefined, doc: `The ${name} of a branch; index 0 is the Request-URI.` },
      site => fieldHandler(field, site.index, host, withRequestUri),
    )
  pvars['msg.branch.flag'] = placed(
    {
      type: 'int',
      writable: true,
      doc: 'Whether a branch flag is set; index 0 is the Request-URI.',
      inner: 'required',
    },
    site => {
      const name = site.inner?.constant ?? site.reject('the name of a flag cannot be a variable')
      return fieldHandler(flagField(host.branchFlags.bit(name)), site.index, host, withRequestUri)
    },
  )
  pvars['msg.branch.last_idx'] = plain('int', 'Index of the last branch; 0 is the Request-URI.', m => m.branches.length)
  return pvars
}

const withRequestUri = (m: RouteContext): readonly Target[] => [m.target, ...m.branches]

const flagField = (bit: number): Field => ({
  get: branch => Number((branch.flags & bit) !== 0),
  set: (branch, value) => {
    branch.flags = value === null || value === 0 ? branch.flags & ~bit : branch.flags | bit
    return true
  },
})

function append(m: RouteContext, value: Value): boolean {
  if (value === null || value === '' || m.branches.length >= MAX_BRANCHES) return false
  m.branches.push(target(textOf(value)))
  return true
}

function fieldHandler(
  field: Field,
  index: PvarIndex,
  host: PvarHost,
  list: (m: RouteContext) => readonly Target[],
): PvarHandler {
  const all = (m: RouteContext): readonly Value[] => list(m).map(branch => field.get(branch, host))
  const read: PvarHandler = { get: m => pick(index, all(m), m), all }
  const { set } = field
  if (set === undefined || index.kind === 'all' || index.kind === 'append') return read
  return {
    ...read,
    set: (m, value) => {
      const branch = list(m).at(index.kind === 'at' ? index.at.read(m) : 0)
      return branch !== undefined && set(branch, value, host)
    },
  }
}

function destinationSet(m: RouteContext): Value {
  if (!m.message.isRequest) return null
  const show = ({ uri, q }: Target): string => (q < 0 ? uri : `<${uri}>;q=${q / 1000}`)
  return `Contact: ${[m.target, ...m.branches].map(show).join(', ')}`
}
