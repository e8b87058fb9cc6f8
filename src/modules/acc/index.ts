import { defineModule } from '../../module/define.ts'
import { followCalls } from './calls.ts'
import { accEvents } from './events.ts'
import { readFields } from './fields.ts'
import { accFunctions, accSpecs } from './functions.ts'
import { followLegacyFlags } from './legacy-flags.ts'
import { accParams } from './params.ts'
import { accPvarHandlers, accPvars } from './pvars.ts'
import type { AccServices } from './services.ts'
import { followTransactions } from './transactions.ts'
import { AccWriter } from './writer.ts'

/** Accounting: a record for each transaction or call, in the log or as an event (acc reference). */
export default defineModule(
  {
    name: 'acc',
    doc: 'Accounts for calls and other transactions in the log and by events.',
    depends: ['tm'],
    after: ['dialog', 'rr'],
    params: accParams,
    functions: accSpecs,
    events: accEvents,
    pvars: accPvars,
  },
  ({ clock, find, host, log, params, use }) => {
    const fields = readFields(params, host.script)
    const services: AccServices = {
      clock,
      log,
      proxy: host.proxy,
      tm: use('tm'),
      dialog: find('dialog'),
      rr: find('rr'),
      writer: new AccWriter(host, fields, params.log_level),
      fields,
      calls: new WeakMap(),
      settings: {
        accountsEarlyMedia: params.early_media !== 0,
        accountsCancels: params.report_cancels !== 0,
        detectsDirection: params.detect_direction !== 0,
      },
    }
    followLegacyFlags(services, params, host.script)
    followTransactions(services)
    followCalls(services)
    return {
      functions: accFunctions(services),
      pvars: accPvarHandlers(services),
      start: () => {
        if (params.detect_direction !== 0 && services.rr === undefined)
          throw new Error('acc: detect_direction needs the module rr')
        fields.findVariables()
      },
    }
  },
)
