import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { type OpenDoors, openDoors } from './doors.ts'

/* The text form of 2.x through the FIFO and in datagrams: the requests and answers of the reference of 2.x. */

const SCRIPT = `
log_level=3
loadmodule "event_datagram.so"
@DOORS@
route { raise_event("E_A"); }
`
const SUBSCRIBE = 'E_A\nudp:127.0.0.1:8081\n1200\n'

let doors: OpenDoors
beforeAll(async () => {
  // A clock that stands still: what is left of a lifetime is answered to the second.
  doors = await openDoors(SCRIPT, new VirtualClock())
})
afterAll(() => doors?.close())

const id = (): number => doors.proxy.proxy.host.bus.catalogue.find('E_A')?.id ?? -1

describe('a request in text form through the FIFO', () => {
  const ask = (request: string): Promise<string> => doors.askText(request, 'text_reply')

  it('is answered with a code, a line a node, and an empty line', async () => {
    expect(await ask(`:event_subscribe:text_reply\n${SUBSCRIBE}\n`)).toBe('200 OK\n\n')
    expect(await ask(':subscribers_list:text_reply\nE_A\n\n')).toBe(
      `200 OK\nEvent:: E_A id=${id()}\n\tSubscriber::  socket=udp:127.0.0.1:8081 expire=1200 ttl=1200\n\n`,
    )
    expect(await ask(':events_list:text_reply\n\n')).toMatch(
      /^200 OK\nEvent:: E_CORE_SR_STATUS_CHANGED id=0\nEvent:: E_CORE_THRESHOLD id=1\n(?:Event:: \w+ id=\d+\n)+\n$/,
    )
  })

  it.each([
    ['arguments in quotes', ':subscribers_list:text_reply\n"E_A"\n\n', /^200 OK\nEvent:: E_A /],
    ['arguments with names', ':subscribers_list:text_reply\nevent:: E_A\n\n', /^200 OK\nEvent:: E_A /],
    ['a line end of two characters', ':subscribers_list:text_reply\r\nE_A\r\n\r\n', /^200 OK\nEvent:: E_A /],
    ['an unknown command', ':nosuch:text_reply\n\n', /^500 command 'nosuch' not available\n$/],
    ['too few arguments', ':event_subscribe:text_reply\nE_A\n\n', /^400 Too few or too many arguments\n$/],
    ['a quote that is out of place', ':which:text_reply\na"b"c\n\n', /^400 Parse error in command 'which'\n$/],
    ['what the command refuses', ':subscribers_list:text_reply\nE_NOPE\n\n', /^404 Event not published\n$/],
  ])('may hold %s', async (_what, request, answer) => {
    expect(await ask(request)).toMatch(answer)
  })

  it('without a reply name is carried out', async () => {
    await doors.send('fifo', ':event_subscribe:\nE_A\nudp:127.0.0.1:8082\n60\n\n')
    expect(await ask(':subscribers_list:text_reply\nE_A\n\n')).toContain('udp:127.0.0.1:8082')
  })

  it('that is half written spoils nothing: the next request is answered, in either form', async () => {
    await doors.send('fifo', ':event_subscribe:text_reply\nE_A\nudp:127')
    expect(JSON.parse(await doors.ask('fifo', '{"jsonrpc":"2.0","method":"version","id":1}'))).toMatchObject({ id: 1 })
    await doors.send('fifo', ':event_subscribe:text_reply\nE_A\n')
    expect(await ask(':nosuch:text_reply\n\n')).toBe("500 command 'nosuch' not available\n")
  })
})

describe('a request in text form in a datagram', () => {
  it.each([
    [`:event_subscribe:\n${SUBSCRIBE}\n`, '200 OK\n\n'],
    // The last empty line may be left out.
    [`:event_subscribe:\n${SUBSCRIBE}`, '200 OK\n\n'],
    [':nosuch:\n', '500 command not available\n'],
    [':which:\na"b\n', '400 parse_error\n'],
    [':subscribers_list:\nE_NOPE\n\n', '404 Event not published\n'],
  ])('%j is answered %j', async (request, answer) => {
    expect(await doors.ask('datagram', request)).toBe(answer)
  })
})
