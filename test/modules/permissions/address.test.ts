import { describe, expect, it } from 'vitest'
import { AddressBook, type AddressRule } from '../../../src/modules/permissions/address-book.ts'
import { addressBytes } from '../../../src/script/ip-network.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { addressTable, DATABASE, startGuard } from './rig.ts'

const TABLE = addressTable(
  '1:1:127.0.0.9:32:0:any::one',
  '2:2:127.0.1.0:24:0:any::net',
  '3:2:127.0.1.5:32:0:any::host',
  '4:3:10.0.0.1:32:5080:tcp::',
  '5:0:10.9.9.9:32:0:any::all',
  '6:4:10.0.0.4:32:0:any:sip\\:9*:nines',
  '7:5:2001\\:db8\\:\\::32:0:any::six',
)

describe('check_source_address', () => {
  it('gives 1 and the context for a row of the group, −1 for another address, −2 for a group that is not there', async () => {
    const [one, seven] = [
      await startGuard('check_source_address(1, $avp(ctx))', { address: TABLE }, DATABASE),
      await startGuard('check_source_address(7, $avp(ctx))', { address: TABLE }, DATABASE),
    ]
    expect(await one.answer('127.0.0.9')).toBe('1 one')
    expect(await one.answer('127.0.0.8')).toBe('-1 before')
    expect(await seven.answer('127.0.0.9')).toBe('-2 before')
  })

  it('group 0 means any, and a row for a single address goes before its network', async () => {
    const guard = await startGuard('check_source_address(0, $avp(ctx))', { address: TABLE }, DATABASE)
    expect(await guard.answer('127.0.1.5')).toBe('1 host')
    expect(await guard.answer('127.0.1.6')).toBe('1 net')
    expect(await guard.answer('127.0.2.6')).toBe('-1 before')
  })
})

describe('check_address', () => {
  it.each([
    ['3, "10.0.0.1", 5080, "tcp"', '1'],
    ['3, "10.0.0.1", 0, "any"', '1'],
    ['3, "10.0.0.1", 5081, "tcp"', '-1'],
    ['3, "10.0.0.1", 5080, "UDP"', '-1'],
    ['"3", "10.0.0.1", "5080", "TCP"', '1'],
    ['77, "10.9.9.9", 5060, "udp"', '1'],
    ['77, "10.9.9.8", 5060, "udp"', '-2'],
    ['4, "10.0.0.4", 0, "any", $avp(ctx), "sip:911"', '1'],
    ['4, "10.0.0.4", 0, "any", $avp(ctx), "sip:811"', '-1'],
    ['4, "10.0.0.4", 0, "any", $avp(ctx)', '1'],
    ['5, "2001:db8::1", 0, "any"', '1'],
    ['5, "[2001:db8:ffff::1]", 0, "any"', '1'],
    ['5, "2001:db9::1", 0, "any"', '-1'],
    ['5, "no address", 0, "any"', '-1'],
  ])('(%s) gives %s', async (args, code) => {
    const { answer } = await startGuard(`check_address(${args})`, { address: TABLE }, DATABASE)
    expect((await answer()).split(' ')[0]).toBe(code)
  })

  it('a row without context leaves NULL in the variable', async () => {
    const guard = await startGuard('check_address(3, "10.0.0.1", 0, "any", $avp(ctx))', { address: TABLE }, DATABASE)
    expect(await guard.answer()).toBe('1 <null>')
  })

  it.each([
    ['check_address(1, "10.0.0.1", 0, "quic")', 'expected one of any, udp'],
    ['check_source_address(1, $avp(x), "", "other")', 'there is no partition "other"'],
    ['get_source_group($avp(x), "other")', 'there is no partition "other"'],
  ])('%s is an error at load', async (call, message) => {
    await expect(startGuard(call, { address: TABLE }, DATABASE)).rejects.toThrow(message)
  })
})

describe('get_source_group', () => {
  it('gives the group of the source', async () => {
    const guard = await startGuard('get_source_group($avp(ctx))', { address: TABLE }, DATABASE)
    expect(await guard.answer('127.0.0.9')).toBe('1 1')
    expect(await guard.answer('127.0.1.7')).toBe('1 2')
    expect(await guard.answer('127.0.3.7')).toBe('-1 before')
  })
})

describe('the table', () => {
  it('partitions have tables of their own, columns any name', async () => {
    const params = `
modparam("permissions", "partition", "trunks: db_url=text://@FILES@; table_name=trunks")
modparam("permissions", "info_col", "tag")
`
    const version = 'table_name(string) table_version(int)\naddress:5\ntrunks:5\n'
    const trunks = addressTable('1:1:127.0.0.0:8:0:any::t').replace('context_info', 'tag')
    const guard = await startGuard('check_source_address(1, $avp(ctx), "", "trunks")', { version, trunks }, params)
    expect(await guard.answer()).toBe('1 t')
    expect(await guard.mi('subnet_dump')).toEqual({
      Partitions: [
        {
          name: 'trunks',
          Destinations: [{ grp: 1, ip: '127.0.0.0', mask: 8, port: 0, proto: 'any', context_info: 't' }],
        },
      ],
    })
    await expect(guard.mi('address_reload', { partition: 'none' })).rejects.toMatchObject({ code: 404 })
  })

  it('rows that cannot be right are left out and logged', async () => {
    const rows = [
      '1:1:127.0.0.1:33:0:any::',
      '2:1:nowhere:32:0:any::',
      '3:1:127.0.0.1:32:0:quic::',
      '4:1:127.0.0.1:32:99999:any::',
    ]
    const guard = await startGuard('check_source_address(1)', { address: addressTable(...rows) }, DATABASE)
    expect(await guard.answer()).toBe('-2 before')
    expect(guard.log.filter(line => line.includes('a row of a table is left out'))).toHaveLength(4)
  })

  it('lists single addresses and networks apart', async () => {
    const guard = await startGuard('check_source_address(1)', { address: TABLE }, DATABASE)
    const grps = async (command: string) => {
      const { Partitions } = (await guard.mi(command)) as { Partitions: { Destinations: { grp: number }[] }[] }
      return Partitions.flatMap(({ Destinations }) => Destinations.map(({ grp }) => grp))
    }
    expect(await grps('address_dump')).toEqual([1, 2, 3, 0, 4])
    expect(await grps('permissions:subnet_dump')).toEqual([2, 5])
  })

  it('a table that cannot be read stops the start; on reload the addresses from before stay', async () => {
    await expect(startGuard('check_source_address(1)', {}, DATABASE)).rejects.toThrow('address')
    const guard = await startGuard(
      'check_source_address(1)',
      { address: TABLE },
      `${DATABASE}modparam("db_text", "db_mode", 1)\n`,
    )
    guard.write('address', 'broken')
    await expect(guard.mi('address_reload')).rejects.toMatchObject({ code: 500 })
    expect(await guard.answer('127.0.0.9')).toBe('1 before')
  })

  it('another version of it stops the start', async () => {
    const version = 'table_name(string) table_version(int)\naddress:6\n'
    await expect(startGuard('check_source_address(1)', { address: TABLE, version }, DATABASE)).rejects.toThrow(
      'version 5',
    )
  })

  it('is not needed by a script that asks about rules only', async () => {
    const guard = await startGuard('allow_routing("none")', {}, 'db_default_url="text://@FILES@"\n')
    expect(await guard.answer()).toBe('1 before')
  })

  it('without a database a script that asks about addresses does not start', async () => {
    const script = 'loadmodule "sl.so"\nloadmodule "permissions.so"\nroute { check_source_address(1); }'
    await expect(startProxy(script)).rejects.toThrow('set db_url')
  })
})

describe('AddressBook', () => {
  it('finds one row among a hundred thousand as it finds one among ten', () => {
    const rule = (i: number): AddressRule => ({
      group: 1,
      bytes: [10, (i >> 16) & 255, (i >> 8) & 255, i & 255],
      bits: 32,
      port: 0,
      proto: 'any',
      pattern: null,
      matcher: null,
      info: String(i),
    })
    const book = new AddressBook(Array.from({ length: 100_000 }, (_, i) => rule(i)))
    const bytes = addressBytes('10.1.134.159') ?? []
    expect(book.find({ group: 1, bytes, port: 1, proto: 'udp', text: null })?.info).toBe('99999')
  })
})
