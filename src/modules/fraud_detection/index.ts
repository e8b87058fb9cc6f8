import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, field } from '../../module/define.ts'
import { Detector } from './detector.ts'
import { fraudParams } from './params.ts'
import { Rules } from './rules.ts'
import { FRAUD_TABLE, loadRules } from './table-source.ts'

const alert = (level: string) =>
  ({
    doc: `A value is at or above its threshold for ${level}.`,
    fields: {
      param: field(
        'str',
        '`calls-per-minute`, `total-calls`, `concurrent-calls`, `sequential-calls` or `call-duration`.',
      ),
      value: field('int', 'The value.'),
      threshold: field('int', 'The threshold.'),
      user: field('str', 'User who calls.'),
      called_number: field('str', 'Number called.'),
      rule_id: field('int', 'Rule with the threshold.'),
      profile_id: field('int', 'Its profile.'),
    },
    legacyFields: ['param', 'value', 'threshold', 'user', 'called_number', 'rule_id'],
  }) as const

/** Watches how much users call, and where to (fraud_detection reference). */
export default defineModule(
  {
    name: 'fraud_detection',
    doc: 'Counts the calls of users by prefixes of numbers, and tells when they call more than thresholds say.',
    depends: ['dialog'],
    after: ['drouting'],
    tables: [FRAUD_TABLE],
    params: fraudParams,
    functions: {
      check_fraud: {
        args: [
          arg('user', 'str', 'User who calls.'),
          arg('number', 'str', 'Number called.'),
          arg('profile_id', 'int', 'Profile whose rules count.'),
        ],
        routes: ['request', 'onreply'],
        returns: '2 there is no rule; 1 fine; −1 warning; −2 critical; −3 no call begins here',
        doc: 'Counts the call that an INVITE begins, and compares the counts with the thresholds of its rule.',
      },
    },
    commands: {
      show_stats: {
        args: [arg('user', 'str', 'User.'), arg('prefix', 'str', 'Prefix of a rule.')],
        aliases: ['show_fraud_stats'],
        doc: 'Shows what a user has called under a prefix.',
      },
      reload: { args: [], aliases: ['fraud_reload'], doc: 'Loads the rules anew. When that fails nothing changes.' },
    },
    events: { E_FRD_WARNING: alert('a warning'), E_FRD_CRITICAL: alert('an alarm') },
  },
  ({ host, clock, log, params, raise, use }) => {
    const detector = new Detector({
      dialogs: use('dialog'),
      clock,
      isUtc: params.use_utc_time !== 0,
      tell: (level, fields) => (level === 'critical' ? raise.E_FRD_CRITICAL : raise.E_FRD_WARNING)(fields),
    })
    const load = async (): Promise<void> => {
      detector.rules = new Rules(await loadRules(host.db, params, log))
    }
    return {
      functions: {
        check_fraud: (user, number, profile) => m => detector.check(m, user.read(m), number.read(m), profile.read(m)),
      },
      commands: {
        show_stats: ({ user, prefix }) => {
          const counts = detector.counts.find(user, prefix)
          if (counts === undefined) throw new MiError(404, 'No data for this user+number yet!')
          return {
            cpm: counts.perMinute(detector.second),
            total_calls: counts.total,
            concurrent_calls: counts.concurrent,
            seq_calls: counts.sequential,
          }
        },
        reload: async () => {
          try {
            await load()
          } catch (error) {
            throw new MiError(500, 'Failed to reload', error instanceof Error ? error.message : String(error))
          }
          return 'OK'
        },
      },
      start: load,
    }
  },
)
