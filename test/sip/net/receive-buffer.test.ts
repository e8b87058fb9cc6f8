import { describe, expect, it, onTestFinished } from 'vitest'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'

const BURST = 60

/** How many requests of a burst that comes in one moment a proxy answers, all of them or what its buffer had room for. */
async function answered(maxbuffer: number): Promise<number> {
  const started = await startProxy(`
log_level=1
maxbuffer=${maxbuffer}
loadmodule "sl.so"
route { if ($rU == "last") sl_send_reply(202, "Last"); else sl_send_reply(200, "OK"); }
`)
  onTestFinished(() => started.stop())
  const phone = await SipUa.open('phone')
  // The proxy is in this process: it takes nothing in before this turn is over.
  for (let n = 0; n < BURST; n++) phone.request('OPTIONS', started.port)
  await phone.nextReply(200)
  phone.request('OPTIONS', started.port, { uri: 'sip:last@127.0.0.1' })
  await phone.nextReply(202)
  return phone.count({ status: 200 })
}

describe('maxbuffer', () => {
  it('is the receive buffer of a UDP socket: a burst that does not fit is lost in part', async () => {
    const count = await answered(4096)
    expect(count).toBeGreaterThan(0)
    expect(count).toBeLessThan(BURST)
  })

  it('of the default holds a burst', async () => {
    expect(await answered(262_144)).toBe(BURST)
  })
})
