#include "topologies/document.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace windtunnel {
namespace {

std::string said_of(std::string_view text) {
  Diagnostics diagnostics;
  const auto node = parse_document(text, "a.yaml", diagnostics);
  return diagnostics.print();
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Document, KnowsWhereKeysAndValuesStand) {
  Diagnostics diagnostics;
  const auto root = parse_document("a:\n  b: [x,\n      'y']\n", "a.yaml", diagnostics);
  ASSERT_TRUE(root) << diagnostics.print();
  const Member* b = root->find("a")->value.find("b");
  EXPECT_EQ(b->place, (Place{"a.yaml", 2, 3}));
  EXPECT_EQ(b->value.place, (Place{"a.yaml", 2, 6}));
  EXPECT_EQ(b->value.members[1].place, (Place{"a.yaml", 3, 7}));
  EXPECT_EQ(b->value.members[1].value.text, "y");
}

TEST(Document, ReadsJson) {
  Diagnostics diagnostics;
  const auto root = parse_document(
      "{\n\t\"a\": {\"b\":1, \"c\": [true, null, \"\\u00e9\\/\"]},\n\t\"d\":\"30s\"\n}\n", "a.json",
      diagnostics);
  ASSERT_TRUE(root) << diagnostics.print();
  EXPECT_EQ(root->find("a")->value.find("b")->value.text, "1");
  EXPECT_EQ(root->find("a")->value.find("c")->value.members[1].value.kind, Node::Kind::NOTHING);
  EXPECT_EQ(root->find("a")->value.find("c")->value.members[2].value.text, "é/");
  EXPECT_EQ(root->find("d")->value.text, "30s");
  EXPECT_EQ(root->find("d")->place.line, 3);
}

TEST(Document, ReadsAliases) {
  Diagnostics diagnostics;
  const auto root = parse_document("a: &x {b: 1}\nc: *x\n", "a.yaml", diagnostics);
  ASSERT_TRUE(root) << diagnostics.print();
  EXPECT_EQ(root->find("c")->value.find("b")->value.text, "1");
}

TEST(Document, TellsEveryDuplicatedKeyAndWhereItWasFirst) {
  EXPECT_EQ(said_of("a: 1\nb: {x: 1, x: 2}\na: 3\n"),
            "a.yaml:2:11: duplicate key 'x', first at 2:5\n"
            "a.yaml:3:1: duplicate key 'a', first at 1:1\n");
}

TEST(Document, RefusesAnEmptyFile) {
  EXPECT_EQ(said_of(""), "a.yaml:1:1: the file is empty\n");
  EXPECT_EQ(said_of("\n  \n# nothing\n"), "a.yaml:1:1: the file is empty\n");
}

TEST(Document, TellsWhereTheSyntaxIsWrong) {
  EXPECT_EQ(said_of("a: 1\nb: [1, 2}\n"), "a.yaml:2:9: illegal flow end\n");
}

TEST(Document, TellsWhereABracketWasOpenedThatIsNotClosed) {
  EXPECT_EQ(said_of("x: 1\na: {b: 1"), "a.yaml:2:4: this bracket is not closed\n");
  EXPECT_EQ(said_of("{\"a\": 1,\n"),
            "a.yaml:1:1: a key must be plain text, or a bracket here is not closed\n");
}

TEST(Document, RefusesASecondDocument) {
  EXPECT_EQ(said_of("a: 1\n---\nb: 2\n"),
            "a.yaml:3:1: a second document begins here; a file holds one\n");
}

TEST(Document, RefusesTags) {
  EXPECT_EQ(said_of("a: !!binary abc\n"),
            "a.yaml:1:4: the tag 'tag:yaml.org,2002:binary' is not read\n");
}

TEST(Document, RefusesKeysThatAreNoText) {
  EXPECT_EQ(said_of("? [a, b]\n: 1\n"),
            "a.yaml:1:3: a key must be plain text, or a bracket here is not closed\n");
}

TEST(Document, RefusesBytesThatAreNoUtf8) {
  EXPECT_EQ(said_of("a: 1\nb: \xff\n"), "a.yaml:2:4: not UTF-8 text: byte 0xff\n");
  EXPECT_EQ(said_of("\xc0\x80"), "a.yaml:1:1: not UTF-8 text: byte 0xc0\n");
  EXPECT_EQ(said_of("\xed\xa0\x80"), "a.yaml:1:1: not UTF-8 text: byte 0xed\n");
  EXPECT_EQ(said_of("ab\xe2\x82"), "a.yaml:1:3: not UTF-8 text: byte 0xe2\n");
}

TEST(Document, RefusesControlCharacters) {
  EXPECT_EQ(said_of(std::string_view("a: b\0c", 6)),
            "a.yaml:1:5: not text: control character 0x00\n");
  EXPECT_EQ(said_of("\x7f"
                    "ELF"),
            "a.yaml:1:1: not text: control character 0x7f\n");
}

TEST(Document, RefusesDeepNesting) {
  EXPECT_EQ(said_of(repeated("[", 64) + repeated("]", 64)), "");
  EXPECT_EQ(said_of(repeated("[", 65) + repeated("]", 65)),
            "a.yaml:1:65: nested deeper than 64 levels\n");
  EXPECT_EQ(said_of(repeated("{a: ", 65) + repeated("}", 65)),
            "a.yaml:1:257: nested deeper than 64 levels\n");
  EXPECT_NE(said_of(repeated("{a: ", 100'000)), "");
  EXPECT_NE(said_of(repeated("- ", 100'000)), "");
}

TEST(Document, CountsTheDepthOfAliases) {
  const std::string deep = "a: &x " + repeated("[", 40) + repeated("]", 40) + "\n";
  EXPECT_EQ(said_of(deep + "b: " + repeated("[", 30) + "*x" + repeated("]", 30) + "\n"),
            "a.yaml:2:34: nested deeper than 64 levels\n");
}

TEST(Document, StopsAliasBombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    const std::string name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [" + alias + repeated(", " + alias, 9) + "]\n";
  }
  const std::string text = said_of(bomb);
  EXPECT_TRUE(text.ends_with(": more than 250000 values, aliases counted as often as used\n"))
      << text;
}

TEST(Document, RefusesAliasesWithinThemselves) {
  EXPECT_EQ(said_of("a: &x [1, *x]\n"), "a.yaml:1:11: the alias stands within what it repeats\n");
}

TEST(Document, RefusesUnknownAliases) {
  EXPECT_EQ(said_of("a: *nobody\n"), "a.yaml:1:4: the referenced anchor is not defined\n");
}

TEST(Document, RefusesWhatIsTooLarge) {
  EXPECT_EQ(said_of(std::string(document_bytes_max + 1, ' ')), "a.yaml:1:1: larger than 16 MiB\n");
}

TEST(Document, TellsThatAFileIsMissingOrADirectory) {
  Diagnostics diagnostics;
  EXPECT_FALSE(read_text("/nowhere/web.yaml", diagnostics));
  EXPECT_FALSE(read_text("/tmp", diagnostics));
  EXPECT_EQ(diagnostics.print(),
            "/nowhere/web.yaml:1:1: no such file\n"
            "/tmp:1:1: is a directory, not a file\n");
}

TEST(Document, ReadsOnlyTheAllowedSizeOfAnEndlessFile) {
  Diagnostics diagnostics;
  EXPECT_FALSE(read_text("/dev/zero", diagnostics));
  EXPECT_EQ(diagnostics.print(), "/dev/zero:1:1: larger than 16 MiB\n");
}

TEST(Document, ShowsTheTextOfUsersSafely) {
  EXPECT_EQ(shown("a\x1b[31m"), "'a\\x1b[31m'");
  EXPECT_EQ(shown("\xc3\xa9 \x8d\xc3"), "'\xc3\xa9 \\x8d\\xc3'");
  const std::string text = shown(std::string(79, 'x') + "é" + std::string(100, 'x'));
  EXPECT_EQ(text, "'" + std::string(79, 'x') + "...' (181 bytes)");
}

TEST(Diagnostics, AreToldInTheOrderOfTheText) {
  Diagnostics diagnostics;
  diagnostics.error({"b.yaml", 9, 1}, "third");
  diagnostics.warning({"b.yaml", 2, 7}, "second");
  diagnostics.note({"b.yaml", 2, 3}, "first");
  diagnostics.error({"a.yaml", 1, 1}, "of a later file");
  EXPECT_EQ(diagnostics.print(),
            "b.yaml:2:3: note: first\n"
            "b.yaml:2:7: warning: second\n"
            "b.yaml:9:1: third\n"
            "a.yaml:1:1: of a later file\n");
  EXPECT_EQ(diagnostics.errors(), 2U);
}

}  // namespace
}  // namespace windtunnel
