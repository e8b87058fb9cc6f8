import { describe, expect, it } from 'vitest'
import { type Command, CommandTable, groupOf } from '../../src/mi/command-table.ts'

function command(name: string, ...aliases: string[]): Command {
  const [group = '', local = ''] = name.split(':')
  return { name, group, local, spec: { args: [], doc: '', aliases }, handler: () => 'OK' }
}

function table(...commands: Command[]): CommandTable {
  const made = new CommandTable()
  for (const each of commands) made.add(each)
  return made
}

const commands = table(
  command('evi:subscribe', 'event_subscribe'),
  command('evi:list', 'events_list', 'odd:alias'),
  command('tcp:list', 'list_tcp_conns', 'shared'),
  command('core:uptime', 'uptime', 'shared'),
  command('other:uptime'),
)

describe('looking up a command', () => {
  it.each([
    ['evi:subscribe', 'evi:subscribe'],
    ['subscribe', 'evi:subscribe'],
    ['event_subscribe', 'evi:subscribe'],
    ['odd:alias', 'evi:list'],
    ['uptime', 'core:uptime'],
  ])('%s finds %s', (name, expected) => {
    expect(commands.find(name)).toMatchObject({ kind: 'found', command: { name: expected } })
  })

  it.each(['nope', 'evi:nope', 'EVI:LIST', '', ':', 'constructor', '__proto__'])('%j finds nothing', name => {
    expect(commands.find(name)).toEqual({ kind: 'unknown' })
  })

  it('names the candidates for a short name that several have', () => {
    expect(commands.find('list')).toEqual({ kind: 'ambiguous', names: ['evi:list', 'tcp:list'] })
  })

  it('names the candidates for an alias that several have', () => {
    expect(commands.find('shared')).toEqual({ kind: 'ambiguous', names: ['tcp:list', 'core:uptime'] })
  })

  it('refuses a second command of the same name', () => {
    expect(() => table(command('a:b'), command('a:b'))).toThrow('a:b is registered twice')
  })

  it('puts the commands of proto_tcp in group tcp', () => {
    expect([groupOf('proto_tcp'), groupOf('tm')]).toEqual(['tcp', 'tm'])
  })
})
