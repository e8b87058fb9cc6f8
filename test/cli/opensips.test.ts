import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../src/cli/demo/free-port.ts'
import { SipUa } from '../support/sip-ua.ts'
import { FanfareProcess, fanfare } from './fanfare-process.ts'
import { PLAIN, scriptFile, testFolder, WITH_HTTP } from './scripts.ts'

/** Starts in the foreground; ends with the test. */
function start(argv: readonly string[], options: { cwd?: string; input?: string } = {}): FanfareProcess {
  const running = new FanfareProcess(argv, options)
  onTestFinished(() => running.end())
  return running
}

const BROKEN = 'route { frob(); }\n'
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Waits for a process that is no child of ours. */
async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise(resolve => setTimeout(resolve, 20))
}

describe('-C and -c', () => {
  it.each(['-C', '-c'])('%s says that the file is fine, on standard error, and exits 0', async flag => {
    const { status, out, err } = await fanfare([flag, '-f', scriptFile(PLAIN)])
    expect({ status, out, err }).toEqual({ status: 0, out: '', err: 'config file ok, exiting...\n' })
  })

  it('-C prints every error and exits 255', async () => {
    const { status, err } = await fanfare(['-C', '-f', scriptFile(BROKEN)])
    expect(status).toBe(255)
    expect(err).toMatch(/test\.cfg:1:9: error: unknown function frob\(\)/)
    expect(err).not.toContain('config file ok')
  })

  it('-p pipes the text through a command first, also for -C', async () => {
    const file = scriptFile(PLAIN.replace('404', 'STATUS'))
    expect(await fanfare(['-C', '-f', file, '-p', 'sed s/STATUS/404/'])).toMatchObject({ status: 0 })
    expect(await fanfare(['-C', '-f', file, '-p', 'false'])).toMatchObject({
      status: 255,
      err: expect.stringContaining('the preprocessor "false" failed'),
    })
  })
})

describe('in the foreground', () => {
  it.each(['-F', '-D'])('%s stays, writes its pid file and removes it at the end', async flag => {
    const file = scriptFile(PLAIN)
    const pidFile = join(dirname(file), 'pid')
    const proxy = start([flag, '-f', file, '-P', pidFile, '-m', '64', '-M', '8', '-n', '4'])
    const port = await proxy.serves()
    expect(readFileSync(pidFile, 'utf8')).toBe(`${proxy.pid}\n`)
    const ua = await SipUa.open('alice')
    ua.send(ua.makeRequest('OPTIONS'), port)
    await ua.nextReply(404)
    proxy.signal('SIGTERM')
    expect(await proxy.ended).toEqual({ status: 0, signal: null })
    expect(existsSync(pidFile)).toBe(false)
  })

  it('-l takes the place of the sockets of the file, joined to its value or not', async () => {
    const proxy = start(['-F', '-f', scriptFile(PLAIN.replace('127.0.0.1:0', '192.0.2.1:5060')), '-ludp:127.0.0.1:0'])
    await proxy.serves()
    expect(proxy.err).toMatch(/sockets=udp:127\.0\.0\.1:\d+/)
  })

  it('-f - reads the configuration from standard input', async () => {
    const proxy = start(['-F', '-f', '-'], { input: PLAIN })
    expect(await proxy.serves()).toBeGreaterThan(0)
  })

  it('-w changes the directory; -f is found from where the command was given, -P from there', async () => {
    const file = scriptFile(PLAIN)
    const workdir = testFolder()
    const proxy = start(['-F', '-f', 'test.cfg', '-w', workdir, '-P', 'here.pid'], { cwd: dirname(file) })
    await proxy.serves()
    expect(existsSync(join(workdir, 'here.pid'))).toBe(true)
    if (existsSync('/proc/self/cwd')) expect(realpathSync(`/proc/${proxy.pid}/cwd`)).toBe(realpathSync(workdir))
  })

  it('-d raises the log level by one each', async () => {
    const proxy = start([
      '-F',
      '-dd',
      '-f',
      scriptFile(`log_level = 2\nxlog_level = 4\n${PLAIN}startup_route { xlog(4, "deep\\n"); }\n`),
    ])
    await proxy.serves()
    expect(proxy.err).toMatch(/DBG:deep/)
  })

  it('a bad configuration and a taken port exit 255, and no pid file is left', async () => {
    const file = scriptFile(BROKEN)
    expect(await fanfare(['-F', '-f', file])).toMatchObject({ status: 255, err: expect.stringContaining('frob') })
    const first = start(['-F', '-f', scriptFile(PLAIN)])
    const port = await first.serves()
    const pidFile = join(dirname(file), 'pid')
    const second = await fanfare(['-F', '-f', scriptFile(PLAIN), '-l', `udp:127.0.0.1:${port}`, '-P', pidFile])
    expect(second.status).toBe(255)
    expect(existsSync(pidFile)).toBe(false)
  })

  it('a pid file that cannot be written ends it', async () => {
    const { status, err } = await fanfare(['-F', '-f', scriptFile(PLAIN), '-P', '/nowhere/pid'])
    expect(status).toBe(255)
    expect(err).toMatch(/cannot write the pid file \/nowhere\/pid/)
  })

  it('a user that does not exist ends it, and the pid file goes', async () => {
    const file = scriptFile(PLAIN)
    const pidFile = join(dirname(file), 'pid')
    const { status, err } = await fanfare(['-F', '-f', file, '-P', pidFile, '-u', 'no-such-user'])
    expect(status).toBe(255)
    expect(err).toMatch(/cannot run as user no-such-user/)
    expect(existsSync(pidFile)).toBe(false)
  })

  it.runIf(process.getuid?.() === 0 && existsSync('/proc/self/status'))(
    '-u and -g give up the rights of root, every group included',
    async () => {
      const proxy = start(['-F', '-u', 'nobody', '-f', scriptFile(PLAIN)])
      await proxy.serves()
      while (!/^Uid:\t(?!0\t)/m.test(readFileSync(`/proc/${proxy.pid}/status`, 'utf8')))
        await new Promise(resolve => setTimeout(resolve, 10))
      const status = readFileSync(`/proc/${proxy.pid}/status`, 'utf8')
      const id = (flag: string): string => execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }).trim()
      expect(/^Uid:\t(.*)$/m.exec(status)?.[1]).toBe(Array(4).fill(id('-u')).join('\t'))
      expect(/^Gid:\t(.*)$/m.exec(status)?.[1]).toBe(Array(4).fill(id('-g')).join('\t'))
      expect(/^Groups:\t(.*)$/m.exec(status)?.[1]?.trim()).toBe(id('-g'))
      proxy.signal('SIGTERM')
      expect(await proxy.ended).toEqual({ status: 0, signal: null })
    },
  )
})

describe('as a daemon', () => {
  it('goes to the background: the command ends with 0 once it serves, and SIGTERM ends it', async () => {
    const file = scriptFile(PLAIN.replace('socket', 'stderror_enabled = no\nsocket'))
    const pidFile = join(dirname(file), 'pid')
    // It has no output to name a port that the system chooses.
    const port = await freePort()
    const command = await fanfare(['-f', file, '-P', pidFile, '-l', `udp:127.0.0.1:${port}`])
    expect(command.status).toBe(0)
    const pid = Number(readFileSync(pidFile, 'utf8'))
    onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')))
    const ua = await SipUa.open('alice')
    ua.send(ua.makeRequest('OPTIONS'), port)
    await ua.nextReply(404)
    process.kill(pid, 'SIGTERM')
    await gone(pid)
    expect(existsSync(pidFile)).toBe(false)
  })

  it('keeps its log on standard error unless stderror_enabled is off', async () => {
    const file = scriptFile(PLAIN + WITH_HTTP)
    const pidFile = join(dirname(file), 'pid')
    const command = start(['-f', file, '-P', pidFile])
    expect((await command.exited).status).toBe(0)
    const pid = Number(readFileSync(pidFile, 'utf8'))
    onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')))
    process.kill(pid, 'SIGTERM')
    // Its end of the pipe closes with it.
    await command.ended
    await gone(pid)
  })

  it('a bad configuration exits 255 and leaves nothing running', async () => {
    const file = scriptFile(BROKEN)
    const pidFile = join(dirname(file), 'pid')
    const command = await fanfare(['-f', file, '-P', pidFile])
    expect(command).toMatchObject({ status: 255, err: expect.stringContaining('frob') })
    expect(existsSync(pidFile)).toBe(false)
  })
})

it('-V prints the version as opensips does, whatever else is given', async () => {
  expect(await fanfare(['-V', '-f', '/nowhere'])).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^version: fanfare \d/),
  })
})

it.each([
  [['-Z'], /unknown option -Z/],
  [['-F', '-f'], /option -f needs a value/],
  [['-F', '-f', '/nowhere/x.cfg'], /\/nowhere\/x\.cfg/],
  [['-F', '-w', '/nowhere'], /-w \/nowhere: cannot change to this directory/],
])('%j exits 255', async (argv, complaint) => {
  const { status, err } = await fanfare(argv)
  expect(status).toBe(255)
  expect(err).toMatch(complaint)
  expect(err).not.toMatch(/^\s+at /m)
})

it('other flags of opensips are taken and change nothing', async () => {
  const file = scriptFile(PLAIN)
  writeFileSync(join(dirname(file), 'x'), '')
  const flags = [
    '-m',
    '128',
    '-M',
    '4',
    '-r',
    '-R',
    '-n8',
    '-W',
    'poll',
    '-A',
    'x',
    '-k',
    'F_MALLOC',
    '-s',
    'F_MALLOC',
    '-v',
    '-E',
  ]
  expect(await fanfare([...flags, '-C', '-f', file])).toMatchObject({ status: 0 })
})
