import { describe, expect, it } from 'vitest'
import { startProxy } from '../../support/running-proxy.ts'
import { scriptCases } from './script-cases.ts'

describe('flags', () => {
  scriptCases([
    {
      title: 'setflag(), isflagset() and resetflag() work on a name',
      script:
        'isflagset("NAT"); $var(a) = $rc; setflag("NAT"); isflagset("NAT"); $var(b) = $rc; resetflag("NAT"); isflagset("NAT"); $var(c) = $rc;',
      shows: '$var(a) $var(b) $var(c)',
      expected: '-1 1 -1',
    },
    {
      title: 'a number is a name like any other, in quotes or not, and names may stand without quotes',
      script:
        'setflag(7); setflag(NAT); isflagset("7"); $var(a) = $rc; isflagset("NAT"); $var(b) = $rc; isflagset(8); $var(c) = $rc;',
      shows: '$var(a) $var(b) $var(c)',
      expected: '1 1 -1',
    },
    {
      title: 'a name may come from a variable',
      script: '$var(n) = "NAT"; setflag($var(n)); isflagset("NAT"); $var(a) = $rc;',
      shows: '$var(a) $mf',
      expected: '1 NAT',
    },
    {
      title: 'branch flags belong to the Request-URI unless a branch is named',
      script:
        'append_branch("sip:1@a.org"); setbflag("B"); setbflag("C", 1); isbflagset("B"); $var(a) = $rc; ' +
        'isbflagset("B", 1); $var(b) = $rc; isbflagset("C", 1); $var(c) = $rc; resetbflag("C", 1); isbflagset("C", 1); $var(d) = $rc;',
      shows: '$var(a) $var(b) $var(c) $var(d)',
      expected: '1 -1 1 -1',
    },
    {
      title: 'the 2.x order, branch first, is understood where the name is no number',
      script:
        'append_branch("sip:1@a.org"); setbranchflag(1, "B"); isbranchflagset("B", 1); $var(a) = $rc; isbflagset("B"); $var(b) = $rc; ' +
        'resetbranchflag("1", "B"); isbflagset("B", 1); $var(c) = $rc;',
      shows: '$var(a) $var(b) $var(c)',
      expected: '1 -1 -1',
    },
    {
      title: 'a branch that is not there gives −1',
      script: 'setbflag("B", 3); $var(a) = $rc;',
      shows: '$var(a)',
      expected: '-1',
    },
    {
      title: 'of two numbers the first is the flag',
      script:
        'append_branch("sip:1@a.org"); setbflag(5, 1); isbflagset(5, 1); $var(a) = $rc; isbflagset(5); $var(b) = $rc;',
      shows: '$var(a) $var(b)',
      expected: '1 -1',
    },
  ])

  it('a 33rd flag is an error at load that points at the call', async () => {
    const calls = Array.from({ length: 33 }, (_, i) => `setflag("F${i}");`).join('\n')
    await expect(startProxy(`route {\n${calls}\n}`)).rejects.toThrow(
      /:34:\d+: error: "F32" would be the 33th message flag/,
    )
  })
})

describe('flags with era = 2.4', () => {
  scriptCases(
    [
      {
        title: 'of two numbers the first is the branch',
        script:
          'append_branch("sip:1@a.org"); setbflag(1, 5); isbflagset(1, 5); $var(a) = $rc; isbflagset(5); $var(b) = $rc;',
        shows: '$var(a) $var(b)',
        expected: '1 -1',
      },
    ],
    'era = 2.4',
  )
})
