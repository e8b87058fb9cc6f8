import { describe, expect, it } from 'vitest'
import { modparams, tableProxy } from '../../support/table-proxy.ts'

async function measured(params: Readonly<Record<string, string | number>>) {
  const script = `
log_level=4
loadmodule "sl.so"
loadmodule "cfgutils.so"
loadmodule "benchmark.so"
${modparams('benchmark', params)}
route {
    bm_start_timer("t"); $var(a) = $rc;
    usleep("5000");
    bm_log_timer("t"); $var(b) = $rc;
    sl_send_reply(299, "$var(a) $var(b) $BM_time_diff");
}
`
  const proxy = await tableProxy({ script, tables: {} })
  return {
    ...proxy,
    ask: async (): Promise<string> => {
      let reason = ''
      proxy.phone.request('MESSAGE', proxy.port)
      void proxy.phone.nextReply(299).then(reply => {
        reason = reply.reason
      })
      while (reason === '') await proxy.clock.advance(1)
      return reason
    },
  }
}

describe('benchmark', () => {
  it('measures, logs every granularity measurements, and shows what it has', async () => {
    const { ask, mi, logged } = await measured({ enable: 1, granularity: 2 })
    for (let i = 0; i < 3; i++) expect(await ask()).toBe('1 1 5000')
    expect(logged('measured: count/sum/min/max/average')).toBe(1)
    expect(logged('2/10000/5000/5000/5000.000000')).toBe(1)
    expect(await mi('bm_poll_results')).toEqual({
      Timers: [
        {
          name: 't',
          state: 'enabled',
          local: { count: 1, sum: 5000, min: 5000, max: 5000, average: '5000.000000' },
          global: { count: 3, sum: 15_000, min: 5000, max: 5000, average: '5000.000000' },
        },
      ],
    })
  })

  it('stopwatches run when management enables them', async () => {
    const { ask, mi } = await measured({})
    expect(await ask()).toBe('-1 -1 <null>')
    expect(await mi('bm_enable_timer', { timer: 't', enable: 1 })).toBe('OK')
    expect(await ask()).toBe('1 1 5000')
    expect(await mi('bm_enable_global', { enable: -1 })).toBe('OK')
    expect(await ask()).toBe('-1 -1 <null>')
    await expect(mi('bm_enable_timer', { timer: 'x', enable: 1 })).rejects.toMatchObject({ code: 404 })
    await expect(mi('bm_enable_global', { enable: 5 })).rejects.toMatchObject({ code: 400 })
  })

  it('granularity 0 logs nothing; the level is that of management', async () => {
    const { ask, mi, logged, log } = await measured({ enable: 1 })
    await mi('bm_granularity', { beginning: 0 })
    await ask()
    expect(logged('measured')).toBe(0)
    await mi('bm_granularity', { beginning: 1 })
    await mi('bm_loglevel', { log_level: -1 })
    await ask()
    expect(log.filter(line => line.includes('measured') && line.includes('ERROR'))).toHaveLength(1)
  })
})
