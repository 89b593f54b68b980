import { acquireCases } from './acquire.cases.js';
import { askDecisionCases } from './ask-decision.cases.js';
import { besideIntentCases } from './beside-intent.cases.js';
import { claimCases } from './claim.cases.js';
import { commitCases } from './commit.cases.js';
import { decideCases } from './decide.cases.js';
import { elsewhereCases } from './elsewhere.cases.js';
import { entryChangeCases } from './entry-change.cases.js';
import { entryCases } from './entry.cases.js';
import { fillCases } from './fill.cases.js';
import { guardCases } from './guard.cases.js';
import { handOverCases } from './hand-over.cases.js';
import { intentExpiryCases } from './intent-expiry.cases.js';
import { leaseEndCases } from './lease-end.cases.js';
import { leaseToldCases } from './lease-told.cases.js';
import { lifecycleCases } from './lifecycle.cases.js';
import { listedTransactionCases } from './listed-transaction.cases.js';
import { lockAdministrationCases } from './lock-administration.cases.js';
import { minHoldCases } from './min-hold.cases.js';
import { openTransactionCases } from './open-transaction.cases.js';
import { outcomeCases } from './outcome.cases.js';
import { partialHoldCases } from './partial-hold.cases.js';
import { prepareCases } from './prepare.cases.js';
import { queueCases } from './queue.cases.js';
import { refreshCases } from './refresh.cases.js';
import { releaseCases } from './release.cases.js';
import { renewCases } from './renew.cases.js';
import { rollCases } from './roll.cases.js';
import { settleCases } from './settle.cases.js';
import type { StoreConformanceCase } from './store-harness.js';
import { versionCases } from './version.cases.js';

/**
 * Every rule of the store port, for a store of your own: give each case to your test runner with two fresh stores on
 * the same data. Names are unique. Where `elapse` really waits, a case waits a quarter of a second at most.
 */
export function storeConformanceCases(): readonly StoreConformanceCase[] {
  return [
    ...acquireCases,
    ...queueCases,
    ...claimCases,
    ...partialHoldCases,
    ...handOverCases,
    ...renewCases,
    ...releaseCases,
    ...minHoldCases,
    ...lockAdministrationCases,
    ...entryCases,
    ...versionCases,
    ...commitCases,
    ...guardCases,
    ...outcomeCases,
    ...openTransactionCases,
    ...listedTransactionCases,
    ...prepareCases,
    ...besideIntentCases,
    ...decideCases,
    ...askDecisionCases,
    ...settleCases,
    ...intentExpiryCases,
    ...elsewhereCases,
    ...fillCases,
    ...refreshCases,
    ...leaseEndCases,
    ...leaseToldCases,
    ...entryChangeCases,
    ...rollCases,
    ...lifecycleCases,
  ];
}
