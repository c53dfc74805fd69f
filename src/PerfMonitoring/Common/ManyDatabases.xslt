<?xml version="1.0" encoding="utf-8"?>
<!--
  Adds to the views a twin of each table for objects of several databases: its type has the suffix #Target (see
  ConnectedCmdlet), and its first column says which database a row is of.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" encoding="utf-8" indent="yes" />

  <xsl:template match="@*|node()">
    <xsl:copy><xsl:apply-templates select="@*|node()" /></xsl:copy>
  </xsl:template>

  <xsl:template match="View[TableControl]">
    <xsl:copy-of select="." />
    <!-- A session says itself which database it is of. -->
    <xsl:if test="Name != 'PerfMonitoringSession'">
      <xsl:copy><xsl:apply-templates mode="twin" /></xsl:copy>
    </xsl:if>
  </xsl:template>

  <xsl:template match="@*|node()" mode="twin">
    <xsl:copy><xsl:apply-templates select="@*|node()" mode="twin" /></xsl:copy>
  </xsl:template>

  <xsl:template match="Name|TypeName" mode="twin">
    <xsl:copy><xsl:value-of select="." />#Target</xsl:copy>
  </xsl:template>

  <!-- What stands between a verdict and its reason goes to the end: at 80 columns there is no room for it. -->
  <xsl:template match="TableHeaders" mode="twin">
    <xsl:copy>
      <TableColumnHeader><Label>Target</Label><Width>18</Width></TableColumnHeader>
      <xsl:apply-templates select="*[not(Label = 'Duration' or Label = 'Bloat (%)')]" mode="twin" />
      <xsl:apply-templates select="*[Label = 'Duration' or Label = 'Bloat (%)']" mode="twin" />
    </xsl:copy>
  </xsl:template>

  <xsl:template match="TableColumnHeader[Label = 'Index' or Label = 'Query']/Width" mode="twin">
    <Width>20</Width>
  </xsl:template>

  <xsl:template match="TableColumnItems" mode="twin">
    <xsl:variable name="labels" select="ancestor::TableControl/TableHeaders/TableColumnHeader/Label" />
    <xsl:copy>
      <TableColumnItem><ScriptBlock>[PerfMonitoring.Common.VisibleText]::Cell($_.Target)</ScriptBlock></TableColumnItem>
      <xsl:for-each select="*">
        <xsl:variable name="at" select="position()" />
        <xsl:if test="not($labels[$at] = 'Duration' or $labels[$at] = 'Bloat (%)')">
          <xsl:apply-templates select="." mode="twin" />
        </xsl:if>
      </xsl:for-each>
      <xsl:for-each select="*">
        <xsl:variable name="at" select="position()" />
        <xsl:if test="$labels[$at] = 'Duration' or $labels[$at] = 'Bloat (%)'">
          <xsl:apply-templates select="." mode="twin" />
        </xsl:if>
      </xsl:for-each>
    </xsl:copy>
  </xsl:template>
</xsl:stylesheet>
