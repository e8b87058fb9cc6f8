import { describe, expect, it } from 'vitest'
import { tableFolder } from '../../support/table-files.ts'
import { callsDatabase } from '../acc/database-rig.ts'
import { Call, callRig } from '../dialog/call-rig.ts'
import { destinations } from './rig.ts'

describe('calls that outlive a restart', () => {
  it('hold what they took up until they end', async () => {
    const { url, rows } = await callsDatabase('dialog')
    const { folder, write } = tableFolder()
    write('load_balancer', destinations([{ id: 7, group_id: 1, dst_uri: 'sip:127.0.0.1:9', resources: 'pstn=2' }]))
    const head = `
loadmodule "db_sqlite.so"
loadmodule "db_text.so"
modparam("dialog", "db_url", "${url}")
modparam("dialog", "db_mode", 1)
loadmodule "load_balancer.so"
modparam("load_balancer", "db_url", "text://${folder}")
modparam("load_balancer", "probing_interval", 0)
`
    const rig = await callRig({ head, invite: 'lb_start(1, "pstn"); resetdsturi();' })
    const load = async () => JSON.stringify(await rig.mi('lb_list'))
    const call = await new Call(rig, 'kept').establish()
    await rig.until('the row', () => rows('dialog')[0]?.['state'] === 4)
    expect(await load()).toContain('"load":1')
    await rig.restart()
    expect(await load()).toContain('"load":1')
    await call.hangUp()
    await rig.until('no row', () => rows('dialog').length === 0)
    expect(await load()).toContain('"load":0')
  })
})
