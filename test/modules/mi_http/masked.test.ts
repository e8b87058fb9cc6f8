import { expect, it } from 'vitest'
import { EventBus } from '../../../src/events/bus.ts'
import type { TailEvent } from '../../../src/mi/doors/http-events.ts'
import { tailSource } from '../../../src/modules/mi_http/tail-source.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { silentLog } from '../../conformance/host.ts'

it('what is watched live shows no secret: neither by the name of a parameter nor in a URI', () => {
  const bus = new EventBus({ clock: new VirtualClock(), log: silentLog })
  const seen: TailEvent[] = []
  tailSource(bus)(null, null, event => void seen.push(event))
  const type = bus.catalogue.define('E_X', null, 'test')
  bus.raise(
    type,
    ['password', 'auth_token', 'uri', 'socket', 'contact', 'n', 'tokens'],
    ['1234', 'abc', 'sip:alice:pw@example.org:5060', 'amqp://u:p@h/q', 'sip:alice@192.0.2.1:5060', 7, 'none'],
  )
  bus.raise(type, null, ['sip:bob:pw@h'])
  expect(seen.map(({ params }) => params)).toEqual([
    {
      password: '***',
      auth_token: '***',
      uri: 'sip:alice:***@example.org:5060',
      socket: 'amqp://u:***@h/q',
      contact: 'sip:alice@192.0.2.1:5060',
      n: 7,
      tokens: 'none',
    },
    ['sip:bob:***@h'],
  ])
})
