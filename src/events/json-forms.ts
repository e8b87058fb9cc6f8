import { encodeJsonText, encodeParams } from './json-rpc.ts'
import { DeliveryError, type EventCodec, originPath, type WireEvent } from './transport.ts'

/**
 * An event with its identity, as one compact JSON object:
 *
 *     {"id":ID,"event":NAME,"time":RFC3339,"node":NODE,"boot":BOOT,"sequence":N,"params":{NAME:VALUE,…}|[VALUE,…]}
 *
 * `params` is `[]` for an event that has none. Values are written as in JSON-RPC. Refuses names that repeat.
 */
export const json: EventCodec = {
  name: 'json',
  contentType: 'application/json',
  encode: event => {
    const { id, name, origin, sequence } = event
    const head = `{"id":"${id}","event":${encodeJsonText(name)},"time":"${timeOf(event)}"`
    const from = `"node":${encodeJsonText(origin.node)},"boot":"${origin.boot}","sequence":${sequence}`
    return Buffer.from(`${head},${from},"params":${paramsOf(event)}}`)
  },
}

/**
 * A CloudEvent in structured JSON mode (CloudEvents 1.0.2, JSON format §3): `source` is the run it was raised in, `type`
 * the name of the event, `data` its parameters; `sequence` is that of the Sequence extension.
 */
export const cloudEvents: EventCodec = {
  name: 'cloudevents',
  contentType: 'application/cloudevents+json; charset=utf-8',
  encode: event => {
    const { id, name, sequence } = event
    const head = `{"specversion":"1.0","id":"${id}","source":${encodeJsonText(originPath(event.origin))}`
    const about = `"type":${encodeJsonText(name)},"time":"${timeOf(event)}","sequence":"${cloudSequence(sequence)}"`
    return Buffer.from(`${head},${about},"datacontenttype":"application/json","data":${paramsOf(event)}}`)
  },
}

const cloudSequence = (sequence: number): string => String(sequence).padStart(16, '0')

function timeOf({ raisedAtMs }: WireEvent): string {
  return new Date(raisedAtMs).toISOString()
}

/** Lists of names that are all different. Module events use the same list again and again. */
const distinct = new WeakMap<readonly string[], boolean>()

function paramsOf(event: WireEvent): string {
  const { names } = event
  if (names !== null && !areDistinct(names)) {
    const why = 'a name occurs twice, and readers of JSON keep only one of them'
    throw new DeliveryError('E_UNENCODABLE', `JSON cannot carry it: ${why}`, { permanent: true })
  }
  return encodeParams(event)
}

function areDistinct(names: readonly string[]): boolean {
  let are = distinct.get(names)
  if (are === undefined) distinct.set(names, (are = new Set(names).size === names.length))
  return are
}
