//! The README documents the cards of the one table.

use emporia_testpay::cards::TEST_CARDS;

#[test]
fn the_readme_lists_every_test_card() {
    let readme = include_str!("../README.md");
    for card in &TEST_CARDS {
        let row = format!("| {} | {} |", card.number, card.description);
        assert!(readme.contains(&row), "missing in README.md:\n{row}");
    }
}
