import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RawHttp } from '../../mi/doors/raw-http.ts'
import { golden } from '../../mi/golden.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { DOORS, type Door, type OpenDoors, openDoors, recordedAnswer } from './doors.ts'

/*
 * What is wrong in a request is answered, or passed over where there is nobody to answer, and the door stays open: the next
 * request is served, and so is SIP. Some of these requests ended the recorded proxy.
 */

const SCRIPT = `
log_level=3
loadmodule "sl.so"
loadmodule "event_datagram.so"
@DOORS@
route { raise_event("E_A"); sl_send_reply(200, "OK"); }
`
const INVALID = '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}'
const error = (code: number, message: string, data?: string): string =>
  JSON.stringify({ jsonrpc: '2.0', error: data === undefined ? { code, message } : { code, message, data }, id: 1 })
const request = (method: string, params?: unknown): string => JSON.stringify({ jsonrpc: '2.0', method, params, id: 1 })

let doors: OpenDoors
beforeAll(async () => {
  doors = await openDoors(SCRIPT)
})
afterAll(() => doors?.close())

async function expectOpen(door: Door): Promise<void> {
  const answer = await doors.ask(door, request('version'))
  expect(JSON.parse(answer).result.Server).toContain('fanfare')
  const ua = await SipUa.open('caller')
  ua.request('OPTIONS', doors.proxy.port)
  await ua.nextReply(200)
}

describe.each(DOORS)('through the %s door', door => {
  it.each([
    ['{}', INVALID],
    ['[]', INVALID],
    ['{"jsonrpc":"2.0","method":5,"id":1}', error(-32600, 'Invalid Request')],
    ['{"jsonrpc":"1.0","method":"version","id":1}', error(-32600, 'Invalid Request')],
    ['{"jsonrpc":"2.0","method":"version","params":5,"id":1}', error(-32600, 'Invalid Request')],
    [request('no_such_command'), error(-32601, 'Method not found')],
    [request('event_subscribe', ['E_A']), error(-32602, 'Invalid params', 'Too few or too many parameters')],
    [
      request('event_subscribe', ['E_A', 'udp:127.0.0.1:9', 'soon']),
      error(-32602, 'Invalid params', "Bad type for parameter 'expire'"),
    ],
    [
      request('event_subscribe', { event: 'E_A', sock: 'udp:127.0.0.1:9' }),
      error(-32602, 'Invalid params', 'Named parameters do not match'),
    ],
    [request('event_subscribe', ['E_A', {}]), error(-32602, 'Invalid params', "Bad type for parameter 'socket'")],
    [request('raise_event', ['E_A', 'no json']), error(480, 'Temporarily Unavailable')],
    [request('raise_event', ['E_NOPE', '{']), error(404, 'Event not registered')],
    [request('subscribers_list', ['E_NOPE']), error(404, 'Event not published')],
    [request('event_unsubscribe', ['E_A', 'udp:127.0.0.1:9']), error(404, 'Subscriber does not exist')],
  ])('%s is answered %s', async (text, answer) => {
    expect(await doors.ask(door, text)).toBe(answer)
    await expectOpen(door)
  })

  it('a batch is answered as one, calls by their ids, without its notifications', async () => {
    const batch = `[${request('no_such_command')},{"jsonrpc":"2.0","method":"version"},${request('version')}]`
    const answers = JSON.parse(await doors.ask(door, batch))
    expect(answers).toMatchObject([{ error: { code: -32601 } }, { result: { Server: expect.any(String) } }])
    await expectOpen(door)
  })

  it.each(['id_string', 'id_null', 'id_float', 'params_string', 'whitespace'])(
    'the recorded %s is answered as recorded',
    async name => {
      const answer = JSON.parse(await doors.askRecorded(door, `mi_proto/${name}`))
      const recorded = JSON.parse(recordedAnswer(door, `mi_proto/${name}`))
      if (recorded.result !== undefined) recorded.result.Server = answer.result.Server
      expect(JSON.stringify(answer)).toBe(JSON.stringify(recorded))
      await expectOpen(door)
    },
  )

  it('an error of the transport of events is an error of the request only', async () => {
    const answer = JSON.parse(await doors.ask(door, request('event_subscribe', ['E_A', 'udp:[::1:9', 60])))
    expect(answer.error).toMatchObject({
      code: 400,
      message: 'Bad parameter value',
      data: expect.stringMatching(/^socket: /),
    })
    await expectOpen(door)
  })
})

describe.each(DOORS)('a notification through the %s door', door => {
  it('is carried out and not answered', async () => {
    const { bus } = doors.proxy.proxy.host
    bus.catalogue.define('E_A', null, 'test')
    const json = `{"jsonrpc":"2.0","method":"event_subscribe","params":["E_A","udp:127.0.0.1:9",60]}`
    const post = `POST /mi HTTP/1.1\r\nHost: x\r\nContent-Length: ${json.length}\r\n\r\n${json}`
    await doors.send(door, door === 'http' ? post : door === 'fifo' ? `:reply:${json}` : json)
    // What comes next over the door is the answer to what is asked next.
    expect(JSON.parse(await doors.ask(door, request('subscribers_list', ['E_A'])))).toMatchObject({
      result: { Event: { Subscribers: [{ socket: 'udp:127.0.0.1:9', expire: 60 }] } },
    })
    expect(bus.unsubscribe('E_A', 'udp:127.0.0.1:9')).toBe(true)
  })
})

describe('what is no JSON', () => {
  it('is told to the sender of a datagram in the recorded words', async () => {
    expect(await doors.askRecorded('datagram', 'mi_proto/bad_json')).toBe(
      recordedAnswer('datagram', 'mi_proto/bad_json'),
    )
    expect(await doors.ask('datagram', '\0\xff noise')).toBe('400 Parse_error')
    expect(await doors.ask('datagram', 'x'.repeat(60_000))).toBe('400 Parse_error')
    await expectOpen('datagram')
  })

  it.each([
    'noise\n',
    ':noise',
    '::::',
    ':../../x:{"jsonrpc":"2.0","method":"version","id":1}',
    ':reply:{"jsonrpc',
    '\0\0\0',
  ])('in a FIFO is passed over: %j', async text => {
    await doors.send('fifo', text)
    await expectOpen('fifo')
  })

  it('over HTTP is a JSON-RPC parse error', async () => {
    expect(await doors.askRecorded('http', 'mi_proto/bad_json')).toBe(recordedAnswer('http', 'mi_proto/bad_json'))
    await expectOpen('http')
  })
})

describe('the HTTP door', () => {
  it.each(['http_emptybody', 'http_get', 'http_get_qs', 'http_root', 'http_put', 'notification_noid.http'])(
    'answers %s with the recorded status',
    async name => {
      const connection = new RawHttp(doors.httpPort)
      const { status } = await connection.ask(golden(`mi_proto/${name}.req`))
      connection.close()
      const recorded = Number(golden(`mi_proto/${name}.out`).toString('latin1').split(' ')[1])
      expect(status).toBe(recorded)
      await expectOpen('http')
    },
  )

  it.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['a length that is no number', 'POST /mi HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n'],
    ['a length of terabytes', 'POST /mi HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999999\r\n\r\n'],
    ['a path out of the door', 'POST /../../etc HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'],
  ])('refuses %s and stays open', async (_, bytes) => {
    const connection = new RawHttp(doors.httpPort)
    const { status } = await connection.ask(bytes)
    connection.close()
    expect(status).toBeGreaterThanOrEqual(400)
    await expectOpen('http')
  })
})
