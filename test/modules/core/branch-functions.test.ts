import { describe } from 'vitest'
import { scriptCases } from './script-cases.ts'

const uri = 'sip:bob@example.com'
/** The Request-URI with q, and the branches, as text. */
const SET = '$ru $ru_q | $(branch(uri)[*])'

describe('the destination set', () => {
  scriptCases([
    {
      title: 'append_branch() without arguments moves the current URI with its next hop and q to a branch of its own',
      script: '$du = "sip:192.0.2.1"; $ru_q = 500; setbflag("F"); append_branch(); isbflagset("F"); $var(f) = $rc;',
      shows: '$ru $du $ru_q $var(f) | $(branch(uri)[0]) $(branch(duri)[0]) $(branch(q)[0])',
      uri,
      expected: `${uri} <null> -1 -1 | ${uri} sip:192.0.2.1 500`,
    },
    {
      title: 'append_branch() with a URI adds that one and inherits the next hop',
      script: '$du = "sip:192.0.2.1"; append_branch("sip:x@a.org", "0.3");',
      shows: '$ru $du | $(branch(uri)[0]) $(branch(duri)[0]) $(branch(q)[0])',
      uri,
      expected: `${uri} sip:192.0.2.1 | sip:x@a.org sip:192.0.2.1 300`,
    },
    {
      title: 'append_branch() refuses a q that is none',
      script: 'append_branch("sip:x@a.org", "1.5"); $var(rc) = $rc;',
      shows: `$var(rc) ${SET}`,
      uri,
      expected: `-1 ${uri} -1 | <null>`,
    },
    {
      title: 'append_msg_branch() and append_branch_old() are the same function',
      script: 'append_msg_branch("sip:1@a.org"); append_branch_old("sip:2@a.org");',
      shows: SET,
      uri,
      expected: `${uri} -1 | sip:1@a.org, sip:2@a.org`,
    },
    {
      title: 'the set takes 12 branches beside the Request-URI',
      script:
        '$var(n) = 0; while (append_branch("sip:$var(n)@a.org")) { $var(n) = $var(n) + 1; } append_branch(); $var(rc) = $rc;',
      shows: '$var(n) $var(rc)',
      expected: '12 -1',
    },
    {
      title: 'remove_branch() takes one out and the others move up',
      script:
        'append_branch("sip:1@a.org"); append_branch("sip:2@a.org"); append_branch("sip:3@a.org"); ' +
        'remove_branch(3); $var(bad) = $rc; remove_branch(1);',
      shows: `$var(bad) ${SET}`,
      uri,
      expected: `-1 ${uri} -1 | sip:1@a.org, sip:3@a.org`,
    },
    {
      title: 'swap_msg_branches() exchanges two',
      script: 'append_branch("sip:1@a.org"); append_branch("sip:2@a.org"); swap_msg_branches(0, 1);',
      shows: '$(branch(uri)[*])',
      expected: 'sip:2@a.org, sip:1@a.org',
    },
    {
      title: 'move_msg_branch() puts one over another',
      script:
        'append_branch("sip:1@a.org"); append_branch("sip:2@a.org"); append_branch("sip:3@a.org"); move_msg_branch(2, 0);',
      shows: '$(branch(uri)[*])',
      expected: 'sip:3@a.org, sip:2@a.org',
    },
  ])
})

const FORKS =
  '$ru_q = 500; append_branch("sip:high@a.org", "1"); append_branch("sip:same@a.org", "0.5"); append_branch("sip:low@a.org", "0.1"); '

describe('serial forking', () => {
  scriptCases([
    {
      title: 'serialize_branches() orders by q, and next_branches() gives 1, 1, 2 and −1',
      script:
        `${FORKS} serialize_branches(1); ` +
        'next_branches(); $var(a) = "$rc:$ru"; next_branches(); $var(b) = "$rc:$ru+$(branch(uri)[*])"; ' +
        'next_branches(); $var(c) = "$rc:$ru"; next_branches(); $var(d) = $rc;',
      shows: '$var(a) $var(b) $var(c) $var(d)',
      uri,
      expected: `1:sip:high@a.org 1:${uri}+sip:same@a.org 2:sip:low@a.org -1`,
    },
    {
      title: 'keep_order tries the branches one by one as they stand in the set',
      script: `${FORKS} serialize_branches(1, 1); next_branches(); $var(a) = $ru; next_branches();`,
      shows: '$var(a) $ru',
      uri,
      expected: `${uri} sip:high@a.org`,
    },
    {
      title: 'nothing is serialized when all q are equal',
      script: 'append_branch("sip:1@a.org"); serialize_branches(1); next_branches(); $var(rc) = $rc;',
      shows: '$var(rc) $(branch(uri)[*])',
      expected: '-1 sip:1@a.org',
    },
    {
      title: 'what an earlier call left over comes behind, unless it is cleared',
      script:
        'append_branch("sip:old@a.org", "0.1"); $ru_q = 900; serialize_branches(1); next_branches(); ' +
        '$ru = "sip:new@a.org"; append_branch("sip:newer@a.org", "0.2"); serialize_branches(0); ' +
        'next_branches(); $var(a) = $ru; next_branches(); $var(b) = $ru; next_branches(); ',
      shows: '$rc $var(a) $var(b) $ru',
      expected: '2 sip:new@a.org sip:newer@a.org sip:old@a.org',
    },
  ])
})
