import { expect, it } from 'vitest'
import { fanfare } from './fanfare-process.ts'
import { PLAIN, scriptFile } from './scripts.ts'

const BROKEN = `socket = udp:127.0.0.1:0
loadmodule "sl.so"
loadmodule "usrloc.so"
modparam("usrloc", "use_domian", 1)
log_levle = 3
route {
\tif (is_metod("REGISTER")) save("location");
    sl_send_reply(404);
    route(nowhere);
    xlog("$avp(x) $fooo\\n");
}
`

it('a file without errors gives exit status 0', async () => {
  const file = scriptFile(PLAIN)
  expect(await fanfare(['check', file])).toEqual({ status: 0, signal: null, out: `${file}: no errors\n`, err: '' })
})

it('every error is printed, with its place, its line, a caret and a suggestion', async () => {
  const file = scriptFile(BROKEN)
  const { status, out, err } = await fanfare(['check', file])
  expect({ status, out }).toEqual({ status: 1, out: '' })
  const places = [...err.matchAll(/^(.*): error: /gm)].map(match => match[1]?.replace(file, 'FILE'))
  expect(places.toSorted()).toEqual([
    'FILE:10:10',
    'FILE:4:20',
    'FILE:5:1',
    'FILE:7:28',
    'FILE:7:6',
    'FILE:8:5',
    'FILE:9:11',
  ])
  expect(err).toContain(' 4 | modparam("usrloc", "use_domian", 1)\n   |                    ^~~~~~~~~~~~\n')
  expect(err).toMatch(/use_domain/)
  expect(err).toMatch(/log_level\b/)
  expect(err).toMatch(/: 7 errors\n$/)
})

it('a module that does not exist is named once, its functions are not', async () => {
  const file = scriptFile(`${PLAIN}loadmodule "usrlok.so"\ntimer_route[t, 5] { ul_frob("x"); }\n`)
  const { status, err } = await fanfare(['check', file])
  expect(status).toBe(1)
  expect(err.match(/: error: /g)).toHaveLength(1)
  expect(err).toContain('usrloc')
})

it('a syntax error is shown with its line', async () => {
  const { status, err } = await fanfare(['check', scriptFile('route {\n  xlog("a"\n}\n')])
  expect(status).toBe(1)
  expect(err).toMatch(/test\.cfg:2:11: error: .*\n 2 \| {3}xlog\("a"\n {3}\| {11}\^/)
})

it('a file that is not there is said, without a stack', async () => {
  const { status, err } = await fanfare(['check', '/nowhere/x.cfg'])
  expect(status).toBe(1)
  expect(err).toMatch(/\/nowhere\/x\.cfg/)
  expect(err).not.toMatch(/^\s+at /m)
})

it('nothing is started: sockets and pipes that are taken do not matter', async () => {
  const file = scriptFile(
    `${PLAIN}loadmodule "mi_fifo.so"\nmodparam("mi_fifo", "fifo_name", "/nowhere/fifo")\nstartup_route { exit; }\n`,
  )
  expect(await fanfare(['check', file])).toMatchObject({ status: 0 })
})

const OPEN_DOOR = `${PLAIN}loadmodule "httpd.so"\nloadmodule "mi_http.so"\nmodparam("httpd", "ip", "0.0.0.0")\n`

it('a management address off loopback without a password is warned of', async () => {
  const { status, err } = await fanfare(['check', scriptFile(OPEN_DOOR)])
  expect(status).toBe(0)
  expect(err).toMatch(/^warning: httpd offers every management command on 0\.0\.0\.0 port 8888 without asking/)
  const guarded = `${OPEN_DOOR}modparam("httpd", "auth_username", "a")\nmodparam("httpd", "auth_password", "b")\n`
  expect(await fanfare(['check', scriptFile(guarded)])).toMatchObject({ status: 0, err: '' })
})

it('with mi_require_auth the same address is an error', async () => {
  const file = scriptFile(`mi_require_auth = yes\n${OPEN_DOOR}`)
  const { status, err } = await fanfare(['check', file])
  expect(status).toBe(1)
  expect(err).toMatch(/test\.cfg:\d+:\d+: error: httpd offers every management command/)
  expect(await fanfare(['run', file])).toMatchObject({
    status: 1,
    err: expect.stringContaining('mi_require_auth is set'),
  })
})

it('old spelling is remarked upon once, and is no error', async () => {
  const old =
    'listen=udp:127.0.0.1:0\nloadmodule "sl.so"\nroute { sl_send_reply("404", "A"); sl_send_reply("405", "B"); }\n'
  const { status, err } = await fanfare(['check', scriptFile(old)])
  expect(status).toBe(0)
  expect(err).not.toMatch(/error:/)
})
