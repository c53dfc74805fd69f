using System.Text.Json;

namespace PerfMonitoring.Common;

public sealed class ItemListTests
{
    [Fact]
    public void A_list_comes_back_from_its_text()
    {
        foreach (string[] items in new[]
        {
            [], ["a"], ["a", "b"], [""], ["", ""], ["\""], ["a;b"], ["a; b", "c"], ["\"a\"", "b"], [";"], ["; "],
            ["a\"b", "\"\""],
            ["lower(a, b)", "x || '; '"], ["\n"], ["\"; \""], (string[])[" a ", "b "],
        })
        {
            var text = ItemList.Create<string>(items).ToString();
            Assert.Equal(items.Length == 0 ? [""] : items, ItemList.Parse(text));
        }

        foreach (var text in new[] { "a;b", "\"a", "\"a\"b; c", "\"", "\"\"\"", "a; \"", "x; y;" })
        {
            Assert.Equal(text, string.Join("; ", ItemList.Parse(text)));
        }
    }

    [Fact]
    public void A_list_is_an_array_in_JSON()
    {
        ItemList<string> list = ["a", "b; c"];

        var json = JsonSerializer.Serialize(list);

        Assert.Equal("[\"a\",\"b; c\"]", json);
        Assert.Equal(list, JsonSerializer.Deserialize<ItemList<string>>(json));
    }
}
