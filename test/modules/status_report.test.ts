import { readFileSync } from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { type ProxyUnderTest, startProxy } from '../support/running-proxy.ts'

const START_MS = 1_795_188_116_000

async function proxyWith(script: string): Promise<ProxyUnderTest> {
  const proxy = await startProxy(script, { clock: new VirtualClock(START_MS) })
  onTestFinished(() => proxy.stop())
  return proxy
}
const call = (proxy: ProxyUnderTest, method: string, ...params: unknown[]) => proxy.proxy.host.mi.call(method, params)

interface Recorded {
  readonly result: readonly { readonly Name: string; readonly Identifiers: readonly unknown[] }[]
}
const recorded = (name: string): unknown => {
  const { result } = JSON.parse(readFileSync(`test/fixtures/golden/mi/${name}.datagram.out`, 'utf8')) as Recorded
  return result.find(({ Name }) => Name === 'core')
}

it('sr_list_status shows the core as recorded', async () => {
  const proxy = await proxyWith('route {}')
  expect(await call(proxy, 'sr_list_status')).toEqual([recorded('sr_list_status')])
})

it('sr_list_reports shows the past of the core as recorded, with the time of this run', async () => {
  const proxy = await proxyWith('route {}')
  const [core] = (await call(proxy, 'sr_list_reports')) as Recorded['result']
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value).replace(/"Date":"[^"]*"/g, '"Date":""')) as unknown
  expect(plain(core)).toEqual(plain(recorded('sr_list_reports')))
})

it('get shows one identifier and refuses an unknown one', async () => {
  const proxy = await proxyWith('route {}')
  expect(await call(proxy, 'status_report:get', 'core')).toEqual({ Readiness: true, Status: 1, Details: 'running' })
  await expect(call(proxy, 'sr_get_status', 'nothing')).rejects.toMatchObject({ code: 404 })
})

it('identifiers lists what there is by group', async () => {
  const proxy = await proxyWith('route {}')
  expect(await call(proxy, 'sr_list_identifiers', 'core')).toEqual([{ Group: 'core', Identifiers: ['main'] }])
})

it('a change of a number raises E_CORE_SR_STATUS_CHANGED, the same number again does not', async () => {
  const proxy = await proxyWith(
    'route {}\nevent_route[E_CORE_SR_STATUS_CHANGED] { xlog("changed $param(group)/$param(identifier) $param(old_status)->$param(status) $param(details)\\n"); }',
  )
  const { status } = proxy.proxy.host
  status.set('gateways', 'one', -2, 'no data')
  status.set('gateways', 'one', -2, 'still no data')
  status.set('gateways', 'one', 1, null)
  const changes = () => proxy.log.flatMap(line => /changed (.*)\n/.exec(line)?.[1] ?? [])
  await expect.poll(changes).toEqual(['gateways/one 1->-2 no data', 'gateways/one -2->1 <null>'])
})
