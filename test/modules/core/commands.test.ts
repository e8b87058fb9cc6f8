import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'

async function proxyWith(
  script: string,
  clock = new VirtualClock(Date.UTC(2026, 10, 20, 15, 21, 56)),
): Promise<ProxyUnderTest> {
  const proxy = await startProxy(script, { clock })
  onTestFinished(() => proxy.stop())
  return proxy
}
const call = (proxy: ProxyUnderTest, method: string, ...params: unknown[]) => proxy.proxy.host.mi.call(method, params)

describe('core commands', () => {
  it('uptime tells both times and the seconds between', async () => {
    const clock = new VirtualClock()
    const proxy = await proxyWith('route {}', clock)
    await clock.advance(61_500)
    expect(await call(proxy, 'uptime')).toEqual({
      Now: expect.stringMatching(/^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/) as string,
      'Up since': expect.stringMatching(/^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/) as string,
      'Up time': '61 [sec]',
    })
  })

  it('version, pwd and arg tell of the process', async () => {
    const proxy = await proxyWith('route {}')
    expect(await call(proxy, 'version')).toEqual({ Server: expect.stringMatching(/^fanfare \d+\.\d+/) as string })
    expect(await call(proxy, 'pwd')).toEqual({ WD: process.cwd() })
    expect(await call(proxy, 'arg')).toMatchObject({ Arguments: [{ Argument: process.argv[0] }, {}] })
  })

  it('log_level shows the level and sets it for everything', async () => {
    const proxy = await proxyWith('route {}')
    expect(await call(proxy, 'log_level')).toMatchObject({ Processes: [{ PID: process.pid, 'Log level': 2 }] })
    expect(await call(proxy, 'log_level', 9)).toEqual({ 'New global log level': 4 })
    expect(proxy.proxy.host.logger.level).toBe(4)
    await expect(call(proxy, 'log_level', 3, 1)).rejects.toMatchObject({ code: 404 })
  })

  it('xlog_level shows and sets the level of the script', async () => {
    const proxy = await proxyWith('xlog_level = 3\nroute {}')
    expect(await call(proxy, 'xlog_level')).toEqual({ xLog_level: 3 })
    expect(await call(proxy, 'xlog_level', -1)).toEqual({ 'New xLog level': -1 })
    expect(proxy.proxy.host.script.xlogLevel).toBe(-1)
  })

  it('kill asks for the orderly stop', async () => {
    const proxy = await proxyWith('route {}')
    expect(await call(proxy, 'kill')).toBe('OK')
    await proxy.proxy.stopRequested
  })
})
