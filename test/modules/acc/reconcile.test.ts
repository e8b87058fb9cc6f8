import { expect, it } from 'vitest'
import { Call, callRig } from '../dialog/call-rig.ts'

const CALLS = 3

interface Reconciliation {
  readonly Hours: readonly {
    readonly ended: number
    readonly raised: number
    readonly stored: number
    readonly Confirmed: unknown
  }[]
  readonly missing: number
  readonly Missing: readonly { readonly callid: string; readonly lacks: readonly string[] }[]
}

it('acc:reconcile compares ended calls with raised and confirmed records, and names the calls a receiver lacks', async () => {
  const rig = await callRig({
    head: 'loadmodule "event_flatstore.so"\nloadmodule "event_nats.so"',
    invite: 'create_dialog(); do_accounting("evi|log", "cdr");',
    routes: `startup_route {
      subscribe_event("E_ACC_CDR", "flatstore:@DIR@/cdr");
      subscribe_event("E_ACC_CDR", "nats:127.0.0.1:1/nobody");
    }`,
  })
  const reconcile = (): Promise<Reconciliation> =>
    rig.proxy.proxy.host.mi.call('acc:reconcile', {}) as Promise<Reconciliation>
  expect(await reconcile()).toEqual({ Hours: [], missing: 0, Missing: [] })
  const callIds: string[] = []
  for (let i = 0; i < CALLS; i++) {
    const call = await new Call(rig, `r${i}`).begin()
    await call.ring()
    await call.accept()
    await call.acknowledge()
    await call.hangUp()
    callIds.push(call.callId)
  }
  const confirmed = [{ socket: `flatstore:${rig.proxy.folder}/cdr`, count: CALLS }]
  await expect
    .poll(async () => (await reconcile()).Hours, { timeout: 15_000 })
    .toMatchObject([{ ended: CALLS, raised: CALLS, stored: 0, Confirmed: confirmed }])
  const { missing, Missing } = await reconcile()
  expect(missing).toBe(CALLS)
  expect(Missing.map(({ callid }) => callid)).toEqual(callIds)
  expect(Missing.every(({ lacks }) => lacks.join() === 'nats:127.0.0.1:1/nobody')).toBe(true)
})
