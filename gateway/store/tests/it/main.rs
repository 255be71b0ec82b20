//! One contract, two engines: what the store promises, told once and run on
//! SQLite always and on PostgreSQL where its binaries are found.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers outside the test functions fail their test too"
)]

mod accesses;
mod auth;
mod bulk;
mod checkups;
mod contention;
mod cosignatures;
mod crash;
mod doses;
mod erasure;
mod fault;
mod fault_frozen;
mod fault_io;
mod fault_order;
mod follow_ups;
mod life;
mod links;
mod listen;
mod log;
mod migration;
mod model;
mod plans;
mod postgres;
mod power;
mod questionnaires;
mod raw;
mod recorded;
mod replicas;
mod rewound;
mod search;
mod sessions;
mod support;
mod tamper;
mod tickets;
mod tiles;
mod visits;
mod writes;

/// Each function takes a fresh [`support::Place`] and is a test per engine.
macro_rules! contract {
    ($($module:ident: $($test:ident),*;)*) => {
        mod sqlite {
            $($(
                #[test]
                fn $test() {
                    super::support::on_sqlite(super::$module::$test);
                }
            )*)*
        }
        mod postgresql {
            $($(
                #[test]
                fn $test() {
                    super::support::on_postgres(super::$module::$test);
                }
            )*)*
        }
    };
}

contract! {
    log:
        every_receipt_of_every_batch_verifies,
        callers_released_together_share_commits,
        each_persons_chain_is_gapless,
        a_restart_keeps_everything,
        a_full_queue_refuses_at_once_and_forgets_nobody,
        an_entry_stays_when_its_caller_has_gone,
        a_failed_operation_does_not_fail_its_neighbours,
        the_operators_log_names_no_content,
        a_commit_that_fails_is_told_to_everybody_in_it;
    tiles:
        every_proof_of_a_small_tree_is_that_of_its_leaves,
        proofs_are_the_same_with_no_some_and_all_tiles,
        i13_tiles_that_were_lost_are_made_again_byte_for_byte,
        a_tile_that_another_wrote_differently_is_told,
        i07_every_stored_root_is_that_of_the_stored_leaves,
        i08_every_receipt_verifies_after_any_growth,
        i09_any_two_signed_checkpoints_are_consistent,
        a_wrong_tile_is_refused_at_start;
    rewound:
        i12_a_database_restored_to_an_earlier_state_is_refused,
        i12_a_log_that_shrinks_under_a_running_gateway_stops_it;
    tamper:
        a_changed_log_is_noticed_at_start,
        a_changed_log_is_named_by_the_check,
        i11_any_changed_byte_is_named_with_its_table,
        i11_a_row_that_is_gone_or_new_or_elsewhere_is_named_with_its_table,
        i11_a_history_made_anew_is_found_by_who_holds_a_checkpoint,
        fsck_names_rows_of_people_that_point_nowhere;
    search:
        a_search_is_a_filter_over_the_whole_log,
        a_lost_index_is_made_anew,
        what_is_not_admitted_is_not_found,
        a_person_is_found_under_every_reference,
        a_person_search_is_approved_once_and_ends,
        erased_parts_are_told_from_absent_ones;
    writes:
        a_repeated_write_returns_the_first_answer,
        two_writes_with_one_key_at_once_have_one_effect,
        operations_of_a_batch_see_each_other_in_order,
        a_decision_behind_background_work_has_its_facts,
        nobody_is_answered_from_a_write_that_was_undone,
        a_directory_change_is_published_when_it_is_committed,
        expired_rows_go_by_themselves;
    cosignatures:
        only_witnesses_of_today_count;
    bulk:
        every_row_outcome_is_told,
        the_same_batch_resumes_with_its_first_outcomes,
        a_dry_run_keeps_nothing,
        each_version_names_the_entry_that_brought_it,
        residents_are_created_corrected_and_kept;
    checkups:
        any_order_and_any_split_ends_in_the_same_state,
        undoing_a_batch_brings_back_what_was_before,
        a_batch_that_lost_a_column_waits_for_a_person,
        rows_of_an_open_batch_are_nobodys_to_read,
        a_dry_run_tells_fields_and_keeps_nothing,
        an_urgent_case_is_in_the_commit_of_its_row,
        a_large_batch_is_undone_in_steps_that_may_stop_in_between,
        a_batch_left_open_is_closed_by_the_clock;
    follow_ups:
        what_asks_for_something_is_listed_until_somebody_closes_it,
        pages_of_follow_ups_pass_over_nothing,
        a_person_is_read_by_every_reference_and_a_record_that_moved_is_not;
    recorded:
        a_record_its_delivery_and_its_case_are_one_commit,
        the_first_reading_of_each_version_stays,
        a_version_that_is_no_news_changes_nothing,
        without_a_card_a_record_is_amended_for_thirty_days,
        a_mother_finds_what_names_her_now;
    visits:
        visits_in_any_order_and_any_split_end_in_the_same_state,
        a_batch_of_visits_takes_rows_for_seven_days;
    links:
        push_then_card_then_link_then_answer,
        link_then_push_then_answer,
        a_proposal_needs_exactly_one_match,
        a_proposal_is_decided_once,
        an_undone_link_separates_the_resident_alone;
    auth:
        a_presentation_is_admitted_once,
        minting_twice_finds_the_same_person,
        a_resident_outlives_a_card_and_the_older_card_survives,
        unlinking_ends_every_presence_of_the_group,
        a_guardian_opens_a_child_while_the_relation_holds,
        narrowing_and_ending_deny_earlier_tokens;
    erasure:
        i19_a_person_is_erased_under_every_reference,
        an_erased_entry_keeps_its_place,
        a_legal_hold_wins_and_says_which,
        a_request_to_erase_is_carried_out_once,
        the_other_log_follows,
        age_erases_step_by_step,
        what_was_found_by_a_mark_is_found_after_its_erasure,
        questions_and_searches_go_with_the_person,
        i08_receipts_roots_and_proofs_survive_erasure;
    fault_order:
        i04_indexes_have_no_gap_and_time_never_goes_back,
        i05_an_operation_that_runs_again_is_one_entry,
        i20_equal_entries_share_no_commitment;
    contention:
        p7_one_dose_once_whatever_crashes;
    doses:
        p10_a_dose_recorded_before_the_link_keeps_its_lineage_after_it,
        p10_an_acknowledgement_ahead_of_the_log_hides_nothing,
        a_registers_dose_is_kept_beside_a_screening_of_the_same_day,
        r_vac_a_register_is_complete_through_the_day_its_municipality_says,
        r_vac_a_dose_that_nobody_was_told_of_waits_for_the_link,
        r_vac_a_register_sent_again_takes_nothing_from_the_givers_word;
    tickets:
        tickets_are_put_once_and_stay_when_used,
        a_pregnancy_gets_fourteen_and_what_the_rule_adds,
        a_ticket_pays_for_one_visit_whatever_crashes;
    sessions:
        a_crowd_at_once_is_one_history_of_the_rules,
        only_residents_book_and_no_day_that_has_passed;
    questionnaires:
        who_answers_at_once_is_one_history_and_check_in_ends_it,
        each_part_is_one_persons_and_a_new_sheet_knows_the_old_months;
    crash:
        nothing_acknowledged_is_lost_by_kill_9;
    model:
        pushes_and_reads_agree_with_a_small_model;
}
