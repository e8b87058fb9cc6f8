import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { FanfareProcess, fanfare } from './fanfare-process.ts'
import { scriptFile } from './scripts.ts'

const root = join(import.meta.dirname, '../..')

it('the demo shows every event at every subscriber, ends with a table and exits 0', async () => {
  const { status, out, err } = await fanfare(['demo'])
  expect({ status, err }).toEqual({ status: 0, err: '' })
  expect(out).toContain('event_route  E_UL_CONTACT_INSERT: alice is now at sip:alice@127.0.0.1')
  expect(out).toMatch(/udp {10}\{"jsonrpc":"2\.0","method":"E_UL_CONTACT_INSERT"/)
  expect(out).toMatch(/flatstore {4}E_CALL_ENDED,alice,bob,/)
  // The table: what was raised, delivered and seen is the same in each row.
  const rows = [...out.matchAll(/^(E_\w+) +(\S+:\S+) .* (\d+) +(\d+) +(\d+)$/gm)]
  expect(rows).toHaveLength(quickstart.match(/subscribe_event\(|event_route\[/g)?.length ?? 0)
  for (const [, event, , raised, delivered, seen] of rows) {
    expect({ event, delivered, seen }).toEqual({ event, delivered: raised, seen: raised })
    expect(Number(raised)).toBeGreaterThan(0)
  }
  expect(out).toMatch(/Every event raised reached every subscriber that asked for it\.\n$/)
})

const quickstart = readFileSync(join(root, 'examples/quickstart.cfg'), 'utf8')

it('an event that does not arrive makes the demo fail, with the row that shows it', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => void silent.close())
  const elsewhere = `udp:127.0.0.1:${silent.address().port}`
  const script = quickstart.replace('udp:127.0.0.1:8081', elsewhere)
  const { status, out } = await fanfare(['demo', '--script', scriptFile(script)])
  expect(status).toBe(1)
  expect(out).toContain('Something did not arrive')
  expect(out).toMatch(new RegExp(`^E_UL_CONTACT_INSERT +${elsewhere} +aor=alice\\* +1 +1 +0$`, 'm'))
})

it('a phone that is refused ends the demo with its reason', async () => {
  const script = quickstart.replace('save("location");', 'send_reply(403, "Not You");')
  const { status, err } = await fanfare(['demo', '--script', scriptFile(script)])
  expect(status).toBe(1)
  expect(err).toBe('alice sent REGISTER sip:127.0.0.1 and got "SIP/2.0 403 Not You"\n')
})

it('a script that cannot be compiled is not played', async () => {
  const { status, err } = await fanfare(['demo', '--script', scriptFile('route { frob(); }\n')])
  expect(status).toBe(1)
  expect(err).toContain('unknown function frob()')
})

it('--keep leaves the proxy running, to be looked at, until a signal', async () => {
  const demo = new FanfareProcess(['demo', '--keep'])
  onTestFinished(() => demo.end())
  const [, url = ''] = await demo.says(/subscribers_list --url (\S+)/)
  const { status, out } = await fanfare(['mi', 'subscribers_list', '--url', url])
  expect(status).toBe(0)
  expect(out).toContain('E_UL_CONTACT_INSERT')
  demo.signal('SIGTERM')
  expect(await demo.ended).toEqual({ status: 0, signal: null })
})
