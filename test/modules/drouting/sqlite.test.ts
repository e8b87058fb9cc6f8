import { describe, expect, it, onTestFinished } from 'vitest'
import {
  CARRIERS_TABLE,
  GATEWAYS_TABLE,
  GROUPS_TABLE,
  PARTITIONS_TABLE,
  RULES_TABLE,
} from '../../../src/modules/drouting/tables.ts'
import { FRAUD_TABLE } from '../../../src/modules/fraud_detection/table-source.ts'
import { LOAD_BALANCER_TABLE } from '../../../src/modules/load_balancer/table-source.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { sqliteTables } from '../../support/sqlite-tables.ts'
import { tableFolder } from '../../support/table-files.ts'

const SCRIPT = (url: string) => `
db_default_url="${url}"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "signaling.so"
loadmodule "dialog.so"
loadmodule "db_sqlite.so"
loadmodule "drouting.so"
loadmodule "load_balancer.so"
loadmodule "fraud_detection.so"
route {
    do_routing("0"); $var(a) = $ru;
    lb_start(1, "pstn"); $var(b) = $du;
    check_fraud($fU, $rU, 1); $var(c) = $rc;
    do_routing(); $var(d) = $rc;
    sl_send_reply(299, "$var(a) $var(b) $var(c) $var(d)");
}
`

const started = async (url: string) => {
  const proxy = await startProxy(SCRIPT(url))
  onTestFinished(() => proxy.stop())
  return proxy
}

describe('tables in sqlite', () => {
  it('are read, and states are written to them', async () => {
    const { folder } = tableFolder()
    const url = await sqliteTables(folder, [
      [GATEWAYS_TABLE, [{ gwid: 'g1', address: '10.0.0.1', state: 0 }]],
      [CARRIERS_TABLE, []],
      [RULES_TABLE, [{ groupid: '0', prefix: '99', gwlist: 'g1', sort_alg: 'N' }]],
      [GROUPS_TABLE, [{ username: 'phone', domain: '127.0.0.1', groupid: 0 }]],
      [PARTITIONS_TABLE, []],
      [LOAD_BALANCER_TABLE, [{ group_id: 1, dst_uri: 'sip:10.0.0.2', resources: 'pstn=1' }]],
      [FRAUD_TABLE, [{ profileid: 1, prefix: '9', start_hour: '00:00', end_hour: '23:59', total_calls_critical: 1 }]],
    ])
    const first = await started(url)
    const phone = await SipUa.open('phone')
    phone.request('INVITE', first.port, { uri: 'sip:991@127.0.0.1' })
    expect((await phone.nextReply(299)).reason).toBe('sip:991@10.0.0.1 sip:10.0.0.2 -2 1')
    await first.proxy.host.mi.call('dr_gw_status', { gw_id: 'g1', status: 0 })
    await first.stop()
    const second = await started(url)
    expect(await second.proxy.host.mi.call('dr_gw_status', { gw_id: 'g1' })).toEqual({ State: 'Disabled MI' })
  })
})
